// What the verbs make of a folder in which several documents, or parts of one, have run.
#include <gtest/gtest.h>

#include <algorithm>

#include "experiments/sweep/manifest.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

class FolderPlan : public testing::Test {
 protected:
  Ran run(const std::string& arguments) const { return run_program(small_.path(), arguments); }
  fs::path folder() const { return small_.path() / "runs/small"; }

  SmallSweep small_;
};

TEST_F(FolderPlan, AnOverrideInTheSameFolderHidesNothingWithoutAWord) {
  ASSERT_EQ(run("run sweep.json -q --only arm=adamw").code, 0);
  const Ran second = run("run sweep.json training.steps=6 --only arm=adamw,seed=0");
  ASSERT_EQ(second.code, 0) << second.err;
  const std::string line =
      "4 finished cells of earlier documents stay in runs/small; isorbit status runs/small --all lists "
      "them\n";
  EXPECT_HOLDS(second.err, line);
  for (const char* verb : {"status", "compare", "export", "certify"}) {
    const Ran today = run(std::string(verb) + " runs/small");
    EXPECT_HOLDS(today.err, line) << verb;
    const Ran all = run(std::string(verb) + " runs/small --all");
    EXPECT_EQ(all.err.find("earlier documents"), std::string::npos) << verb;
    EXPECT_GT(all.out.size(), today.out.size()) << verb;
  }
  EXPECT_HOLDS(run("status runs/small").out, "8 cells: 2 done 6 planned");
  EXPECT_HOLDS(run("status runs/small --all").out, "12 cells: 6 done 6 planned");
  EXPECT_HOLDS(run("compare runs/small --all").out, "plan=") << "their rows stand apart";
}

TEST_F(FolderPlan, RepairAndGcTreatTheCellsOfEveryDocument) {
  ASSERT_EQ(run("run sweep.json -q --only arm=poet").code, 0);
  ASSERT_EQ(run("run sweep.json training.steps=6 -q --only arm=poet,seed=0").code, 0);
  const std::string repaired = run("repair runs/small").out;
  EXPECT_EQ(std::ranges::count(repaired, '\n'), 1 + 8 + 2) << repaired;
  const Ran gc = run("gc runs/small");
  EXPECT_EQ(std::ranges::count(gc.out, '\n'), 3 + 1) << "an attempt of each finished cell: " << gc.out;
  EXPECT_HOLDS(run("status runs/small --all").out, " 3 done ");
}

TEST_F(FolderPlan, OnlyAndSeedChooseWhatRunsAndNotWhatTheSweepIs) {
  ASSERT_EQ(run("run sweep.json -q").code, 0);
  const std::string table = run("compare runs/small").out;
  const Ran part = run("run sweep.json --only arm=poet --seed 0");
  EXPECT_HOLDS(part.err, "1 of 1 cells complete");
  EXPECT_EQ(run("compare runs/small").out, table);
  EXPECT_HOLDS(run("status runs/small").out, "8 cells: 8 done");
  EXPECT_HOLDS(run("status runs/small --seed 1").out, "4 cells: 4 done");
}

TEST_F(FolderPlan, ASeedOfTheCommandLinesOwnJoinsTheOthers) {
  const Ran ran = run("run sweep.json --only arm=poet --seed 7");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.err, "1 of 1 cells complete");
  EXPECT_HOLDS(run("status runs/small").out, "12 cells: 1 done 11 planned");
  EXPECT_HOLDS(run("plan sweep.json --seed 7 --print-config --limit 1").out, "command line --seed 7");
}

TEST_F(FolderPlan, ADamagedOneSaysHowToGoOnAndIsWrittenAgain) {
  ASSERT_EQ(run("run sweep.json -q --only arm=poet").code, 0);
  fs::resize_file(folder() / "plan.json", 300);
  for (const char* verb : {"status", "compare", "export", "certify", "gc", "repair", "eval"}) {
    const Ran ran = run(std::string(verb) + " runs/small");
    EXPECT_EQ(ran.code, 2) << verb;
    EXPECT_HOLDS(ran.err, "isorbit run SWEEP -o runs/small writes the plan again") << verb;
  }
  ASSERT_EQ(run("run sweep.json -q --only arm=poet").code, 0);
  EXPECT_HOLDS(run("status runs/small").out, "8 cells: 2 done 6 planned");
}

TEST_F(FolderPlan, CertifyNamesTheRecordOfAnotherCellAndGoesOn) {
  ASSERT_EQ(run("run sweep.json -q --only arm=poet").code, 0);
  const std::vector<Cell> cells = read_manifest(folder()).cells;
  std::vector<fs::path> runs;
  for (const Cell& cell : cells)
    if (cell.arm == "poet") runs.push_back(folder() / cell.folder);
  ASSERT_EQ(runs.size(), 2U);
  fs::copy_file(runs[1] / "run.h5", runs[0] / "run.h5", fs::copy_options::overwrite_existing);
  const Ran all = run("certify runs/small");
  EXPECT_EQ(all.code, 1);
  EXPECT_HOLDS(all.err, "is not judged: ");
  EXPECT_HOLDS(all.err, "run.h5: is of another cell");
  EXPECT_HOLDS(all.out, runs[1].lexically_relative(folder()).string()) << "the other is judged";
  EXPECT_EQ(run("certify " + runs[0].string()).code, 1) << "its own done.json says whose it is";
  EXPECT_NE(run("replay " + (runs[0] / "run.h5").string()).code, 0);
  EXPECT_NE(run("export " + runs[0].string() + " --format safetensors").code, 0);
}

TEST_F(FolderPlan, ARetryWithoutWorkDoesNotReadAsIfAllWereComplete) {
  const Ran nothing = run("retry sweep.json --failed");
  EXPECT_EQ(nothing.code, 1);
  EXPECT_EQ(nothing.err,
            "nothing to retry: no cell failed for a reason of its own; isorbit run SWEEP runs the 8 that are "
            "missing\n");
  ASSERT_EQ(run("run sweep.json -q").code, 0);
  const Ran complete = run("retry sweep.json --failed");
  EXPECT_EQ(complete.code, 0);
  EXPECT_EQ(complete.err, "nothing to retry: all is complete\n");
}

}  // namespace
}  // namespace isorbit::experiments
