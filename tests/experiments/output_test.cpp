// Where a verb writes what its user named: never over what is no file.
#include "experiments/program/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <sstream>

#include "tests/experiments/run_program.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

class OutputTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    Output output(console_, name);
    output.stream() << text;
    output.commit();
  }
  std::string at(const char* name) const { return (folder_.path() / name).string(); }
  std::string refused(const std::string& name) {
    return message_of<UsageError>([&] { write(name, "new"); });
  }

  TemporaryFolder folder_;
  std::ostringstream text_;
  Console console_{text_, text_, text_, text_, false, {}};
};

TEST_F(OutputTest, AHyphenIsStandardOutput) {
  write("-", "numbers\n");
  EXPECT_EQ(text_.str(), "numbers\n");
  EXPECT_FALSE(fs::exists("-"));
}

TEST_F(OutputTest, AFileIsReplacedWholeWithItsPermissions) {
  folder_.write("a.csv", "old");
  fs::permissions(at("a.csv"), fs::perms(0640));
  {
    Output output(console_, at("a.csv"));
    output.stream() << std::string(100000, 'x');
    EXPECT_EQ(contents(at("a.csv")), "old") << "until all is written";
  }
  EXPECT_EQ(contents(at("a.csv")), "old") << "and where it never was";
  write(at("a.csv"), "new");
  EXPECT_EQ(contents(at("a.csv")), "new");
  EXPECT_EQ(fs::status(at("a.csv")).permissions(), fs::perms(0640));
  write(at("b.csv"), std::string(200000, 'y'));
  EXPECT_EQ(contents(at("b.csv")).size(), 200000U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2) << "nothing is left beside them";
}

TEST_F(OutputTest, ALinkStaysAndWhatItLeadsToIsReplaced) {
  folder_.write("real/a.csv", "old");
  fs::create_symlink("real/a.csv", at("one"));
  fs::create_symlink("one", at("two"));
  fs::create_symlink("real/none.csv", at("dangling"));
  write(at("two"), "new");
  write(at("dangling"), "made");
  EXPECT_EQ(contents(at("real/a.csv")), "new");
  EXPECT_EQ(contents(at("real/none.csv")), "made");
  for (const char* link : {"one", "two", "dangling"}) EXPECT_TRUE(fs::is_symlink(at(link))) << link;
}

TEST_F(OutputTest, ADeviceAndAPipeAreWrittenInto) {
  write("/dev/null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const int reader = ::open(at("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  write(at("pipe"), "through");
  std::string got(100, '\0');
  got.resize(static_cast<std::size_t>(::read(reader, got.data(), got.size())));
  ::close(reader);
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
}

TEST_F(OutputTest, WhatCannotBeAFileIsRefusedBeforeTheWork) {
  EXPECT_HOLDS(refused(folder_.path().string()), "expected a file; because it is a folder");
  EXPECT_HOLDS(refused(at("none/a.csv")), "because there is no folder");
  fs::create_symlink("circle", at("circle"));
  EXPECT_THROW(write(at("circle"), ""), std::system_error);
  EXPECT_TRUE(fs::is_symlink(at("circle")));
}

TEST_F(OutputTest, ProfileAndExportWriteSo) {
  const std::string profile =
      "profile " ISORBIT_SOURCE_DIR "/experiments/models/llama.json --size micro --steps 1 --json --trace ";
  const Ran both = run_program(folder_.path(), profile + "-");
  ASSERT_EQ(both.code, 0) << both.err;
  EXPECT_TRUE(both.out.starts_with("[{")) << both.out.substr(0, 80);
  const Ran folder = run_program(folder_.path(), profile + ".");
  EXPECT_EQ(folder.code, 2);
  EXPECT_HOLDS(folder.err, "expected a file; because it is a folder");
  const Ran weights = run_program(folder_.path(), "export . --format safetensors -o -");
  EXPECT_EQ(weights.code, 2);
  EXPECT_HOLDS(weights.err, "expected a folder, for model.safetensors and config.json");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

}  // namespace
}  // namespace isorbit::experiments
