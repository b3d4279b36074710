// Two users of one group share a sweep in a folder that belongs to the group. Needs root, to become either.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "experiments/program/program.hpp"
#include "experiments/sweep/manifest.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

constexpr gid_t kGroup = 54321;
constexpr uid_t kAnne = 54322, kBen = 54323;

struct Said {
  int code = -1;
  std::string text;
};

class SharedGroup : public testing::TestWithParam<mode_t> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become two users";
    core::Json sweep = small_.document();
    sweep["arms"] = {{"adamw", {{"method", "adamw.json"}}}, {"poet", {{"method", "poet.json"}}}};
    sweep["seeds"] = {0};
    sweep["training"]["threads"] = 1;
    sweep["compare"] = core::Json::object();
    small_.write(sweep);
    for (const auto& entry : fs::recursive_directory_iterator(small_.path())) share(entry.path());
    share(small_.path());
  }
  static void share(const fs::path& path) {
    ASSERT_EQ(::chown(path.c_str(), static_cast<uid_t>(-1), kGroup), 0);
    ASSERT_EQ(::chmod(path.c_str(), fs::is_directory(path) ? 02770 : 0660), 0);
  }

  /// The program as a user of the group, with a primary group of the user's own.
  Said as(uid_t user, std::vector<std::string> words) const {
    words.insert(words.begin(), "isorbit");
    const fs::path out = small_.path() / "said";
    fs::remove(out);
    const pid_t child = ::fork();
    if (child == 0) {
      const gid_t groups[] = {kGroup};
      const bool is_user = ::setgroups(1, groups) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0;
      ::umask(GetParam());
      ::setenv("XDG_CACHE_HOME", (small_.path() / std::to_string(user)).c_str(), 1);
      ::setenv("HOME", "/nowhere", 1);
      ::unsetenv("ISORBIT_DATA");
      if (!is_user || ::chdir(small_.path().c_str()) != 0) ::_exit(99);
      std::ostringstream text;
      const int code = main_program(words, text, text);
      std::ofstream(out) << text.str();
      ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(out)};
  }

  void expect_shared(const fs::path& folder) const {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      struct stat status {};
      ASSERT_EQ(::lstat(entry.path().c_str(), &status), 0);
      const mode_t wanted = (entry.is_directory() ? 02777U : 0666U) & ~GetParam();
      EXPECT_EQ(status.st_mode & 07777, wanted) << entry.path();
      EXPECT_EQ(status.st_gid, kGroup) << entry.path();
      EXPECT_FALSE(holds(entry.path().filename().string(), ".damaged")) << entry.path();
      EXPECT_FALSE(holds(entry.path().filename().string(), ".replaced")) << entry.path();
    }
  }

  SmallSweep small_;
};

TEST_P(SharedGroup, SharesWhatIsFinished) {
  const Said anne = as(kAnne, {"run", "sweep.json", "-o", "out", "-q", "--only", "arm=adamw"});
  ASSERT_EQ(anne.code, 0) << anne.text;
  const Said status = as(kBen, {"status", "out"});
  EXPECT_HOLDS(status.text, "1 done");
  const Said ben = as(kBen, {"run", "sweep.json", "-o", "out"});
  EXPECT_EQ(ben.code, 0) << ben.text;
  EXPECT_HOLDS(ben.text, "2 of 2 cells complete");
  expect_shared(small_.path() / "out");
  for (const uid_t user : {kAnne, kBen}) {
    const Said repair = as(user, {"repair", "out"});
    EXPECT_EQ(repair.code, 0) << repair.text;
  }
  const Said gc = as(kAnne, {"gc", "out"});
  EXPECT_EQ(gc.code, 0) << gc.text;
  EXPECT_EQ(as(kBen, {"run", "sweep.json", "-o", "out"}).code, 0);
}

TEST_P(SharedGroup, GoesOnFromTheOthersCheckpoint) {
  const std::vector<std::string> words = {"run",    "sweep.json",   "training.steps=1000000",
                                          "--only", "arm=adamw",    "-o",
                                          "out",    "--time-limit", "2s"};
  const Said anne = as(kAnne, words);
  ASSERT_EQ(anne.code, 75) << anne.text;
  const Said ben = as(kBen, words);
  EXPECT_EQ(ben.code, 75) << ben.text;
  EXPECT_EQ(ben.text.find("ermission denied"), std::string::npos) << ben.text;
  EXPECT_EQ(ben.text.find("from the start"), std::string::npos) << ben.text;
  expect_shared(small_.path() / "out");
}

INSTANTIATE_TEST_SUITE_P(, SharedGroup, testing::Values(002, 007),
                         [](const auto& umask) { return "umask" + std::to_string(umask.param); });

}  // namespace
}  // namespace isorbit::experiments
