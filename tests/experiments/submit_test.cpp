#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "experiments/launchers/slurm.hpp"
#include "experiments/program/placement.hpp"
#include "tests/experiments/fake_slurm.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

class Submit : public testing::Test {
 protected:
  Ran submit(const std::string& arguments) const {
    return run_program(small_.path(), "submit sweep.json " + arguments, slurm_.before());
  }
  std::set<std::string> listed(const fs::path& list) const {
    std::istringstream in(contents(list));
    std::set<std::string> ids;
    for (std::string id; in >> id;) ids.insert(id);
    return ids;
  }
  fs::path jobs() const { return small_.path() / "runs/small/slurm"; }

  SmallSweep small_;
  FakeSlurm slurm_;
};

TEST_F(Submit, ShowsItsScriptsAndWritesNothing) {
  const Ran ran = submit(
      "training.threads=2 --time 2:00:00 --partition main --tasks 3 --throttle 2 --memory 4G --account lab "
      "--mail-user me@example.org --sbatch=--gres=gpu:1 --dry-run");
  ASSERT_EQ(ran.code, 0) << ran.err;
  std::string text = ran.out;
  replace_all(text, small_.path().string(), "HERE");
  replace_all(text, ISORBIT_PROGRAM, "PROGRAM");
  for (const Cell& cell : small_.read({"training.threads=2"}).cells) replace_all(text, cell.id, "ID");
  EXPECT_EQ(text, contents(fs::path(ISORBIT_SOURCE_DIR) / "tests/slurm/dry_run.txt")) << text;
  EXPECT_FALSE(fs::exists(small_.path() / "runs"));
  EXPECT_FALSE(fs::exists(slurm_.path() / "sbatch.100"));
}

TEST_F(Submit, PutsEveryMissingCellIntoOneTaskAndAJobBehindThemAll) {
  const Ran ran = submit("--time 30 --tasks 3");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.err, "submitted 8 cells as 3 tasks: array job 100, job 101 behind it");
  const std::vector<std::string> array = slurm_.submitted(100), behind = slurm_.submitted(101);
  EXPECT_TRUE(contains(array, "--array=0-2"));
  EXPECT_TRUE(contains(array, "--signal=B:USR1@180"));
  EXPECT_TRUE(contains(array, "--requeue"));
  EXPECT_TRUE(contains(array, "--open-mode=append"));
  EXPECT_TRUE(contains(behind, "--dependency=afterany:100"));
  std::set<std::string> ids;
  for (const Cell& cell : small_.read().cells) ids.insert(cell.id);
  EXPECT_EQ(listed(array.back()), ids);
  EXPECT_EQ(run_program(small_.path(), "status runs/small").code, 0) << "plan.json is there";
}

TEST_F(Submit, ChecksTheSweepBeforeAnythingIsSubmitted) {
  for (const char* wrong :
       {"--time 30 training.stepz=3", "--time 4h", "", "--time 0", "--time 30 --cpus 1 training.threads=2",
        "--time 30 --tasks 0", "--time 30 --only arm=none"}) {
    const Ran ran = submit(wrong);
    EXPECT_EQ(ran.code, 2) << wrong;
    EXPECT_HOLDS(ran.err, "expected");
  }
  EXPECT_FALSE(fs::exists(small_.path() / "runs"));
  EXPECT_FALSE(fs::exists(slurm_.path() / "sbatch.100"));
}

TEST_F(Submit, NeverMakesAnArrayLargerThanTheClusterTakes) {
  slurm_.set("most", "2\n");
  ASSERT_EQ(submit("--time 30 --tasks 8").code, 0);
  EXPECT_TRUE(contains(slurm_.submitted(100), "--array=0-1"));
}

TEST_F(Submit, DoesNotSubmitWhatIsInTheQueueUnlessForced) {
  ASSERT_EQ(submit("--time 30").code, 0);
  slurm_.set("queue", "7\n101\n");
  const Ran again = submit("--time 30");
  EXPECT_EQ(again.code, 2);
  EXPECT_HOLDS(again.err, "found jobs of this sweep in the queue: 101");
  const fs::path first = slurm_.submitted(100).back();
  ASSERT_EQ(submit("--time 30 --force").code, 0);
  EXPECT_NE(slurm_.submitted(102).back(), first.string()) << "the list of a waiting job is not touched";
  slurm_.set("queue", "7\n");
  EXPECT_EQ(submit("--time 30").code, 0);
}

TEST_F(Submit, LeavesNothingInTheQueueWhenTheSecondJobIsRefused) {
  slurm_.set("good", "101\n");
  const Ran ran = submit("--time 30");
  EXPECT_EQ(ran.code, 2);
  EXPECT_HOLDS(ran.err, "the batch system refused the job: sbatch: error: no more");
  EXPECT_EQ(slurm_.calls("scancel"), "100\n");
  EXPECT_FALSE(fs::exists(jobs() / "jobs.json"));
}

TEST_F(Submit, SaysWhenTheClusterDoesNotAnswerAndShowsItsScriptsAllTheSame) {
  slurm_.set("most", "");
  const Ran ran = submit("--time 30");
  EXPECT_EQ(ran.code, 2);
  EXPECT_HOLDS(ran.err,
               "the batch system does not answer: scontrol show config: scontrol: error: no controller");
  EXPECT_FALSE(fs::exists(small_.path() / "runs"));
  const Ran shown = submit("--time 30 --dry-run");
  EXPECT_EQ(shown.code, 0);
  EXPECT_HOLDS(shown.out, "sbatch --parsable");
}

TEST_F(Submit, SaysWhatToDoWhereThereIsNoSlurm) {
  const fs::path nothing = small_.path() / "data";
  const Ran ran = run_program(small_.path(), "submit sweep.json --time 30", "PATH=" + nothing.string() + " ");
  EXPECT_EQ(ran.code, 2);
  EXPECT_HOLDS(ran.err, "found no sbatch and scontrol in PATH");
  EXPECT_HOLDS(ran.err, "isorbit run sweep.json --jobs auto");
}

TEST_F(Submit, KeepsPathsWithSpacesQuotesAndDollarsWhole) {
  const std::string odd = "a 'b' \"c\" $HOME %j `d`\\e";
  ASSERT_EQ(submit("--time 30 -o " + shell_word(odd)).code, 0);
  const fs::path folder = small_.path() / odd;
  const std::vector<std::string> array = slurm_.submitted(100);
  ASSERT_GE(array.size(), 2U);
  EXPECT_EQ(array.back(), (folder / "slurm/submission-1/tasks.txt").string());
  EXPECT_EQ(listed(array.back()).size(), 8U);
  const std::string printed = "bash -c 'exec() { printf \"%s\\n\" \"$@\"; }; . \"$0\" 1 2' ";
  const fs::path out = small_.path() / "words";
  ASSERT_EQ(std::system((printed + shell_word((folder / "slurm/submission-1/finish.sh").string()) + " > " +
                         out.string())
                            .c_str()),
            0);
  EXPECT_HOLDS(contents(out), "--output=" + folder.string() + "\n");
}

TEST_F(Submit, TheJobBehindSubmitsExactlyWhatIsMissing) {
  ASSERT_EQ(submit("--time 30 --only arm=poet,wisca").code, 0);
  ASSERT_EQ(run_program(small_.path(), "run sweep.json -q --only arm=poet").code, 0);
  const Ran second = submit("--time 30 --only arm=poet,wisca --after 100 --round 1");
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_HOLDS(second.err, "submitted 2 cells as 1 task: array job 102, job 103 behind it");
  for (const Cell& cell : small_.read().cells)
    EXPECT_EQ(listed(slurm_.submitted(102).back()).contains(cell.id), cell.arm == "wisca");
  EXPECT_FALSE(fs::exists(small_.path() / "runs/small/compare.txt"));
}

TEST_F(Submit, WhenAllIsCompleteTheJobBehindWritesTheTablesAndNothingIsSubmittedAgain) {
  ASSERT_EQ(submit("--time 30").code, 0);
  ASSERT_EQ(run_program(small_.path(), "run sweep.json -q").code, 0);
  const Ran ran = submit("--time 30 --after 100 --round 1");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(contents(small_.path() / "runs/small/compare.txt"),
            run_program(small_.path(), "compare runs/small").out);
  const Ran again = submit("--time 30");
  EXPECT_EQ(again.code, 0);
  EXPECT_HOLDS(again.err, "8 of 8 cells complete");
  EXPECT_HOLDS(again.err, "nothing to submit");
  EXPECT_FALSE(fs::exists(slurm_.path() / "sbatch.102"));
}

TEST_F(Submit, TheJobBehindComparesItsOwnSweepWhateverRanInTheFolderMeanwhile) {
  ASSERT_EQ(submit("--time 30").code, 0);
  ASSERT_EQ(run_program(small_.path(), "run sweep.json -q").code, 0);
  const std::string table = run_program(small_.path(), "compare runs/small").out;
  ASSERT_EQ(run_program(small_.path(), "run sweep.json -q training.steps=6 --only arm=poet --seed 0").code,
            0);
  EXPECT_EQ(std::system((slurm_.before() + "bash " + (jobs() / "submission-1/finish.sh").string() +
                         " 100 1 2> " + (small_.path() / "log").string())
                            .c_str()),
            0)
      << contents(small_.path() / "log");
  EXPECT_EQ(contents(small_.path() / "runs/small/compare.txt"), table);
}

TEST_F(Submit, RefusesOtherDataThanTheFolderWasBegunWith) {
  ASSERT_EQ(submit("--time 30").code, 0);
  small_.folder().write("data/prose/train.txt", made_text(4096, 9));
  const Ran ran = submit("--time 30 --force");
  EXPECT_EQ(ran.code, 2);
  EXPECT_HOLDS(ran.err, "which the sweep was begun with");
  EXPECT_FALSE(fs::exists(jobs() / "submission-2"));
}

TEST_F(Submit, ASweepOrModelCalledAsOurScriptsKeepsBoth) {
  Json document = small_.document();
  fs::rename(small_.path() / "model.json", small_.path() / "finish.sh");
  document["model"]["file"] = "finish.sh";
  small_.folder().write("task.sh", document.dump());
  const Ran shown = run_program(small_.path(), "submit task.sh --time 30 --dry-run", slurm_.before());
  EXPECT_HOLDS(shown.out, "submission-1/2-task.sh");
  ASSERT_EQ(run_program(small_.path(), "submit task.sh --time 30", slurm_.before()).code, 0);
  const fs::path submission = jobs() / "submission-1";
  for (const char* script : {"task.sh", "finish.sh"})
    EXPECT_TRUE(contents(submission / script).starts_with("#!/bin/bash")) << script;
  EXPECT_EQ(Json::parse(contents(submission / "2-task.sh")).at("model").at("file"), "2-finish.sh");
  EXPECT_EQ(contents(submission / "2-finish.sh"), contents(small_.path() / "finish.sh"));
}

TEST_F(Submit, TheJobBehindGivesUpAfterThreeRoundsAndWhenItsTasksWereCancelled) {
  ASSERT_EQ(submit("--time 30").code, 0);
  const Ran third = submit("--time 30 --after 100 --round 3");
  EXPECT_EQ(third.code, 1);
  EXPECT_HOLDS(third.err, "missing adamw seed 0");
  slurm_.set("states", "COMPLETED\nCANCELLED\n");
  const Ran cancelled = submit("--time 30 --after 100 --round 1");
  EXPECT_EQ(cancelled.code, 1);
  EXPECT_HOLDS(cancelled.err, "were cancelled: nothing more is submitted");
  EXPECT_FALSE(fs::exists(slurm_.path() / "sbatch.102"));
}

TEST_F(Submit, TheJobBehindNoticesThatTheDocumentsHaveChanged) {
  ASSERT_EQ(submit("--time 30").code, 0);
  const Ran ran = submit("--time 30 training.steps=5 --after 100 --round 1");
  EXPECT_EQ(ran.code, 2);
  EXPECT_HOLDS(ran.err, "because its documents, or the program, have changed since");
  EXPECT_FALSE(fs::exists(slurm_.path() / "sbatch.102"));
}

TEST_F(Submit, WhatWaitsInTheQueueDoesNotSeeLaterEdits) {
  ASSERT_EQ(submit("--time 30 training.steps=5 --seed 7").code, 0);
  for (const char* name : {"sweep.json", "model.json", "adamw.json"}) small_.folder().write(name, "{}");
  const fs::path submission = jobs() / "submission-1", list = submission / "tasks.txt";
  const std::string as_task = "SLURM_ARRAY_JOB_ID=100 SLURM_ARRAY_TASK_ID=0 " + slurm_.before();
  EXPECT_EQ(std::system(("cd / && " + as_task + "bash " + (submission / "task.sh").string() + " " +
                         list.string() + " > " + (small_.path() / "log").string() + " 2>&1")
                            .c_str()),
            0)
      << contents(small_.path() / "log");
  EXPECT_EQ(std::system(("cd / && " + slurm_.before() + "bash " + (submission / "finish.sh").string() +
                         " 100 1 2> " + (small_.path() / "log").string())
                            .c_str()),
            0)
      << contents(small_.path() / "log");
  EXPECT_HOLDS(contents(small_.path() / "log"), "4 of 4 cells complete");
  EXPECT_TRUE(fs::exists(small_.path() / "runs/small/compare.txt"));
}

TEST_F(Submit, StartsRanksByMpirunOnAsManyProcessorsEach) {
  const Ran ran = submit("training.ranks=2 training.threads=3 training.batch=4 --time 30 --dry-run");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.out, "launch=(\n  mpirun\n  -n\n  2\n  --bind-to\n  none\n)\n");
  EXPECT_HOLDS(ran.out, "--ntasks=2 --array=0-");
  EXPECT_HOLDS(ran.out, "--cpus-per-task=3");
  EXPECT_HOLDS(ran.out, "stop=USR1\n");
}

TEST_F(Submit, AJobHandsNothingOfItselfToThoseItSubmits) {
  const Ran ran = run_program(small_.path(), "submit sweep.json --time 30",
                              "SLURM_RESTART_COUNT=1 SLURM_JOB_ID=9 " + slurm_.before());
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST(SlurmShare, OfANodeThatATaskMayUseWholeIsNotBoundTo) {
  EXPECT_FALSE(is_unbound_share(64, nullptr));
  EXPECT_FALSE(is_unbound_share(4, "4"));
  EXPECT_FALSE(is_unbound_share(8, "4")) << "two threads of every core";
  EXPECT_TRUE(is_unbound_share(64, "4"));
}

TEST(SlurmTime, IsReadAsSbatchReadsIt) {
  EXPECT_EQ(slurm_seconds("90"), 5400);
  EXPECT_EQ(slurm_seconds("1:30"), 90);
  EXPECT_EQ(slurm_seconds("1:30:05"), 5405);
  EXPECT_EQ(slurm_seconds("2-12"), 216000);
  EXPECT_EQ(slurm_seconds("2-12:30"), 217800);
  EXPECT_EQ(slurm_seconds("2-12:30:10"), 217810);
  for (const char* wrong :
       {"", "0", "4h", "1:2:3:4", "1:", ":1", "-1", "1-", "-", "1-2:3:4:5", "1 2", "99999999999999999999"})
    EXPECT_EQ(slurm_seconds(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace isorbit::experiments
