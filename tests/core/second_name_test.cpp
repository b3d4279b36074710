#include "core/record/second_name.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <system_error>

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;

class SecondName : public testing::Test {
 protected:
  SecondName()
      : folder_(fs::temp_directory_path() / ("isorbit_name_" + std::to_string(::getpid()))),
        elsewhere_(fs::path("/dev/shm") / folder_.filename()) {
    fs::create_directories(folder_);
    write(folder_ / "a", "one");
    write(folder_ / "b", "two");
  }
  ~SecondName() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    fs::remove_all(elsewhere_, ignored);
  }
  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  static std::string text(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static dev_t device(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_dev : 0;
  }

  fs::path folder_, elsewhere_;
};

TEST_F(SecondName, IsTheSameFileAndNeverReplacesAnother) {
  EXPECT_TRUE(name_again(folder_ / "a", folder_ / "c"));
  EXPECT_TRUE(fs::equivalent(folder_ / "a", folder_ / "c"));
  EXPECT_TRUE(name_again(folder_ / "a", folder_ / "c")) << "it has this name";
  EXPECT_FALSE(name_again(folder_ / "b", folder_ / "c"));
  EXPECT_EQ(text(folder_ / "c"), "one");
}

TEST_F(SecondName, IsACopyWhereThereAreNoLinksAndStillNeverReplacesAnother) {
  std::error_code error;
  fs::create_directories(elsewhere_, error);
  if (error || device(elsewhere_) == device(folder_)) GTEST_SKIP() << "/dev/shm is no other file system";
  EXPECT_TRUE(name_again(folder_ / "a", elsewhere_ / "c"));
  EXPECT_EQ(text(elsewhere_ / "c"), "one");
  EXPECT_FALSE(name_again(folder_ / "b", elsewhere_ / "c"));
  EXPECT_EQ(text(elsewhere_ / "c"), "one");
  EXPECT_EQ(std::distance(fs::directory_iterator(elsewhere_), {}), 1) << "nothing is left beside it";
}

TEST_F(SecondName, OfAMissingFileOrInAMissingFolderIsAnErrorThatNamesIt) {
  for (const auto& [file, name] :
       {std::pair(folder_ / "none", folder_ / "d"), std::pair(folder_ / "a", folder_ / "none" / "d")}) {
    try {
      (void)name_again(file, name);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& problem) {
      EXPECT_NE(std::string(problem.what()).find(name.string()), std::string::npos) << problem.what();
    }
  }
}

}  // namespace
}  // namespace isorbit::core
