#include "experiments/data/mapped_file.hpp"

#include <sys/stat.h>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytesOfItsFile) {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\xff\n", 5);
  EXPECT_EQ(text_of(MappedFile(folder.write("f", bytes))), bytes);
}

TEST(MappedFile, MapsAnEmptyFileToNothing) {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("f", ""));
  EXPECT_TRUE(file.bytes().empty());
  file.check();
}

TEST(MappedFile, NamesThePathAndTheReasonWhenItCannotOpen) {
  const TemporaryFolder folder;
  const auto missing = folder.path() / "missing";
  const std::string text = message_of<DataError>([&] { MappedFile{missing}; });
  EXPECT_HOLDS(text, missing.string());
  EXPECT_HOLDS(text, "No such file");
}

TEST(MappedFile, RefusesAFolderAndAPipe) {
  const TemporaryFolder folder;
  EXPECT_HOLDS(message_of<DataError>([&] { MappedFile{folder.path()}; }), "not a regular file");
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_HOLDS(message_of<DataError>([&] { MappedFile{pipe}; }), "not a regular file");
}

TEST(MappedFile, ReportsAFileThatShrankUnderIt) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", std::string(10000, 'x'));
  const MappedFile file(path);
  file.check();
  std::filesystem::resize_file(path, 100);
  const std::string text = message_of<DataError>([&] { file.check(); });
  EXPECT_HOLDS(text, "shrank from 10000 to 100");
  EXPECT_HOLDS(text, path.string());
}

TEST(MappedFile, KeepsTheOldBytesWhenItsFileIsReplacedByRename) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old bytes");
  const MappedFile file(path);
  std::filesystem::rename(folder.write("g", "new"), path);
  file.check();
  EXPECT_EQ(text_of(file), "old bytes");
}

TEST(MappedFile, MovesItsMappingAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  MappedFile first(folder.write("f", "first")), second(folder.write("g", "second"));
  second = std::move(first);
  EXPECT_EQ(text_of(second), "first");
  EXPECT_TRUE(first.bytes().empty());  // NOLINT(bugprone-use-after-move): what is left is the claim
}

}  // namespace
}  // namespace isorbit::experiments
