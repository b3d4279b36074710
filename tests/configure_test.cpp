// A tree that was built and copied configures itself afresh.
#include <gtest/gtest.h>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

struct Configured {
  int code;
  std::string err;
};

Configured configure(const fs::path& tree) {
  const TemporaryFolder kept;
  const std::string err = (kept.path() / "err").string();
  const std::string command =
      "'" + tree.string() + "/third_party/configure.sh' release > /dev/null 2> '" + err + "'";
  return {std::system(command.c_str()), contents(err)};
}

TEST(Configure, OfACopiedTreeThatWasBuiltStartsAfreshAndSaysSo) {
  const TemporaryFolder here;
  here.write("first/CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(small LANGUAGES NONE)\n");
  here.write("first/CMakePresets.json",
             R"({"version": 3, "configurePresets": [{"name": "release", "generator": "Ninja",
                 "binaryDir": "${sourceDir}/build/release"}]})");
  fs::create_directories(here.path() / "first/third_party");
  fs::copy_file(fs::path(ISORBIT_SOURCE_DIR) / "third_party/configure.sh",
                here.path() / "first/third_party/configure.sh");
  const fs::path first = here.path() / "first", second = here.path() / "second";
  for (int again = 0; again < 2; ++again) {
    const Configured found = configure(first);
    EXPECT_EQ(found.code, 0) << found.err;
    EXPECT_EQ(found.err, "");
  }
  fs::copy(first, second, fs::copy_options::recursive);
  const Configured copied = configure(second);
  EXPECT_EQ(copied.code, 0) << copied.err;
  EXPECT_HOLDS(copied.err, "configure: build/release was made in " + (first / "build/release").string() +
                               "; it is configured afresh here\n");
  EXPECT_HOLDS(contents(second / "build/release/CMakeCache.txt"),
               "CMAKE_HOME_DIRECTORY:INTERNAL=" + second.string());
  EXPECT_EQ(configure(second).err, "");
}

}  // namespace
}  // namespace isorbit::experiments
