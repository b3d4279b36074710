#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "experiments/launchers/slurm_scripts.hpp"
#include "tests/experiments/fake_slurm.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

/// The task's script around a program that is a script too.
class Task : public testing::Test {
 protected:
  Task() {
    const auto program = here_.write("odd 'program'", R"(#!/bin/bash
here=${0%/*}
printf '%s\n' "$@" >"$here/arguments"
trap 'touch "$here/usr1"; exit 75' USR1
trap 'touch "$here/term"; exit 75' TERM
touch "$here/ready"
while [ -n "$HOLD" ]; do sleep 0.02; done
exit ${CODE:-0}
)");
    fs::permissions(program, fs::perms::owner_all);
    here_.write("list", "aa bb\ncc\n");
    here_.write("task.sh", task_script({"a\nname", {program.string(), "run", "a 'b' $c"}, 2, 1, 3}));
  }
  /// Its exit code; `signal`: sent once the program is ready.
  int run(const std::string& variables, const std::string& signal = {}) {
    for (const char* file : {"ready", "usr1", "term", "arguments"}) fs::remove(here_.path() / file);
    const std::string folder = shell_word(here_.path().string());
    std::string text = "cd " + folder + "; " + slurm_.before() +
                       "SLURM_ARRAY_JOB_ID=12 SLURM_ARRAY_TASK_ID=1 " + variables +
                       " bash task.sh list > log 2>&1 & p=$!; ";
    if (!signal.empty())
      text += "while [ ! -e ready ] && kill -0 $p; do sleep 0.02; done; kill -" + signal + " $p; ";
    const int status = std::system((text + "wait $p").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool has(const char* file) const { return fs::exists(here_.path() / file); }

  TemporaryFolder here_;
  FakeSlurm slurm_;
};

TEST_F(Task, RunsItsCellsAndAsManyAtOnceAsItsProcessorsHold) {
  EXPECT_EQ(run("SLURM_CPUS_PER_TASK=5"), 0);
  EXPECT_EQ(contents(here_.path() / "arguments"), "run\na 'b' $c\n--only=id=cc\n--jobs=2\n");
  EXPECT_EQ(run("CODE=1"), 1);
  EXPECT_EQ(contents(here_.path() / "arguments"), "run\na 'b' $c\n--only=id=cc\n--jobs=1\n");
  EXPECT_EQ(run("CODE=75"), 75) << "nobody warned it";
  EXPECT_EQ(slurm_.calls("scontrol"), "");
}

TEST_F(Task, GoesBackIntoTheQueueWhenItWasWarned) {
  EXPECT_EQ(run("HOLD=1", "USR1"), 128 + SIGTERM) << "the batch system ends it there";
  EXPECT_TRUE(has("usr1"));
  EXPECT_EQ(slurm_.calls("scontrol"), "requeue 12_1\n");
}

TEST_F(Task, GoesBackOnlySoManyTimes) {
  EXPECT_EQ(run("HOLD=1 SLURM_RESTART_COUNT=3", "USR1"), 75);
  EXPECT_EQ(slurm_.calls("scontrol"), "");
}

TEST_F(Task, LeavesItToTheBatchSystemWhatFollowsATermination) {
  EXPECT_EQ(run("HOLD=1", "TERM"), 75);
  EXPECT_TRUE(has("term"));
  EXPECT_EQ(slurm_.calls("scontrol"), "");
}

TEST_F(Task, OfRanksTrainsOneCellAtATimeAndAsksMpirunSoThatStatesAreSaved) {
  const auto mpirun = here_.write("bin/mpirun",
                                  "#!/bin/bash\n[[ $* == \"-n 4 --bind-to none \"* ]] || exit 9\n"
                                  "shift 4\nexec \"$@\"\n");
  fs::permissions(mpirun, fs::perms::owner_all);
  here_.write("task.sh", "PATH=" + shell_word((here_.path() / "bin").string()) + ":$PATH\n" +
                             task_script({"a", {(here_.path() / "odd 'program'").string(), "run"}, 2, 4, 3}));
  EXPECT_EQ(run("HOLD=1 SLURM_CPUS_PER_TASK=9", "TERM"), 75);
  EXPECT_EQ(contents(here_.path() / "arguments"), "run\n--only=id=cc\n--jobs=1\n");
  EXPECT_TRUE(has("usr1"));
  EXPECT_FALSE(has("term"));
}

TEST_F(Task, NeverRunsCellsThatAreNotInItsLine) {
  here_.write("list", "aa bb\n");
  EXPECT_EQ(run(""), 1);
  EXPECT_FALSE(has("arguments"));
  EXPECT_HOLDS(contents(here_.path() / "log"), "no line 2 in list");
}

}  // namespace
}  // namespace isorbit::experiments
