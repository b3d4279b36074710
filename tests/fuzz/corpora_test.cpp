// The inputs that fuzzing has kept, those that once failed among them, fed to the targets they were kept for.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/fuzz/scratch.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpora = fs::path(ISORBIT_SOURCE_DIR) / "tests" / "fuzz" / "corpus";

struct Target {
  const char* name;
  void (*run)(Input);
};

constexpr Target kTargets[] = {
    {"json", json},       {"expression", expression}, {"name_glob", name_glob}, {"cbor", cbor},
    {"journal", journal}, {"tensors", tensors},       {"seal", seal},           {"record", record},
    {"hdf5", hdf5},       {"checkpoint", checkpoint}, {"overrides", overrides}, {"duration", duration},
    {"model", model},     {"method", method},         {"sweep", sweep},         {"folder", folder}};

class Corpora : public testing::TestWithParam<Target> {};

TEST_P(Corpora, HoldNoInputThatRefutesItsTarget) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kCorpora / GetParam().name)) files.push_back(entry.path());
  ASSERT_FALSE(files.empty());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string bytes = contents_of(file);
    EXPECT_NO_THROW(GetParam().run({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}))
        << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpora, testing::ValuesIn(kTargets),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(CorporaFolders, AreOfTargetsThereAre) {
  std::set<std::string> folders, targets;
  for (const auto& entry : fs::directory_iterator(kCorpora)) folders.insert(entry.path().filename().string());
  for (const Target& target : kTargets) targets.insert(target.name);
  EXPECT_EQ(folders, targets);
}

}  // namespace
}  // namespace isorbit::fuzz
