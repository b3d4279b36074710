#include "experiments/data/data_file.hpp"

#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

TEST(DataFile, GivesTheBytesOfItsFile) {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\xff\n", 5);
  const DataFile file(folder.write("f", bytes));
  EXPECT_EQ(file.text(), bytes);
  std::string two(2, ' ');
  file.read(2, std::as_writable_bytes(std::span(two)));
  EXPECT_EQ(two, "b\xff");
}

TEST(DataFile, OfNothingIsEmpty) {
  const TemporaryFolder folder;
  const DataFile file(folder.write("f", ""));
  EXPECT_EQ(file.text(), "");
  file.check();
}

TEST(DataFile, NamesThePathAndTheReasonWhenItCannotOpen) {
  const TemporaryFolder folder;
  const auto missing = folder.path() / "missing";
  const std::string text = message_of<DataError>([&] { DataFile{missing}; });
  EXPECT_HOLDS(text, missing.string());
  EXPECT_HOLDS(text, "No such file");
}

TEST(DataFile, RefusesAFolderAndAPipe) {
  const TemporaryFolder folder;
  EXPECT_HOLDS(message_of<DataError>([&] { DataFile{folder.path()}; }), "not a regular file");
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_HOLDS(message_of<DataError>([&] { DataFile{pipe}; }), "not a regular file");
}

TEST(DataFile, SaysWhatChangedUnderIt) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", std::string(10000, 'x'));
  const auto written = std::filesystem::last_write_time(path);
  const DataFile file(path);
  const auto said = [&] {
    const std::string text = message_of<DataError>([&] { file.check(); });
    EXPECT_HOLDS(text, path.string());
    EXPECT_HOLDS(text, "put the old file back");
    return text;
  };
  file.check();
  std::filesystem::last_write_time(path, written + std::chrono::milliseconds(5));
  EXPECT_HOLDS(said(), "was written to");
  std::ofstream(path, std::ios::app) << "more";
  EXPECT_HOLDS(said(), "grew from 10000 to 10004");
  std::filesystem::resize_file(path, 100);
  EXPECT_HOLDS(said(), "shrank from 10000 to 100");
}

TEST(DataFile, SurvivesReadingWhatHasBeenCutOff) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", std::string(100000, 'x'));
  const DataFile file(path);
  std::filesystem::resize_file(path, 5000);
  std::string out(100, ' ');
  file.read(4900, std::as_writable_bytes(std::span(out)));
  for (const std::size_t offset : {4950, 90000})
    EXPECT_HOLDS(message_of<DataError>([&] { file.read(offset, std::as_writable_bytes(std::span(out))); }),
                 "shrank from 100000 to 5000");
}

TEST(DataFile, KeepsTheOldBytesWhenItsFileIsReplacedByRename) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old bytes");
  const DataFile file(path);
  std::filesystem::rename(folder.write("g", "new"), path);
  file.check();
  EXPECT_EQ(file.text(), "old bytes");
}

TEST(DataFile, MovesItsDescriptorAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  DataFile first(folder.write("f", "first")), second(folder.write("g", "second"));
  second = std::move(first);
  EXPECT_EQ(second.text(), "first");
  EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move): what is left is the claim
}

}  // namespace
}  // namespace isorbit::experiments
