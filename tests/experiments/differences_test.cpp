// What differs between arms besides their methods, as data: every folder of tests/differences/ is a case. Its
// files lie over those of tests/errors/common/, and the table of its sweep.json must be its `expected`.
#include "experiments/sweep/differences.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

const fs::path& folder() {
  static const fs::path path = fs::path(ISORBIT_SOURCE_DIR) / "tests" / "differences";
  return path;
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder()))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class DifferencesBetweenArms : public testing::TestWithParam<std::string> {};

TEST_P(DifferencesBetweenArms, AreListed) {
  const SmallSweep small;
  fs::copy(folder() / GetParam(), small.path(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const std::vector<Difference> differences = differences_between_arms(small.read().cells);
  EXPECT_EQ(differences_text(differences), contents(folder() / GetParam() / "expected"));
  const std::string json = differences_json(differences);
  EXPECT_EQ(static_cast<std::size_t>(std::count(json.begin(), json.end(), '\n')), differences.size());
}

INSTANTIATE_TEST_SUITE_P(Sweeps, DifferencesBetweenArms, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace isorbit::experiments
