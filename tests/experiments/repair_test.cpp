// A cell that is cut off between the end of its training and its publication, or damaged afterwards.
#include "experiments/sweep/repair.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "experiments/sweep/garbage.hpp"
#include "experiments/sweep/lease.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/result.hpp"
#include "tests/experiments/child_program.hpp"
#include "tests/experiments/file_damage.hpp"
#include "tests/experiments/lives.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

/// A cell that is trained, evaluated and published.
class MendedCell : public testing::Test {
 protected:
  MendedCell() {
    small_.folder().write("data/toy/valid.txt", sentences());
    folder_ = small_.complete(small_.document("adamw", {}, {{"evaluate", {"agreement"}}}), "cell");
    whole_ = core::read_run(folder_ / "run.h5");
    id_ = whole_.provenance.at("cell_id");
  }
  static std::string sentences() {
    std::string text;
    for (const char* place : {"roof", "wall", "lawn", "road", "step", "sill"})
      text += std::string("The cat was on the ") + place + " by the house. The cats were on the " + place +
              " by the house. ";
    return text;
  }
  void remove(std::initializer_list<const char*> names) const {
    for (const char* name : names) ASSERT_TRUE(fs::remove(folder_ / name)) << name;
  }
  /// Finds that `need` is what the cell needs, and does it.
  void mends(Need need) const {
    EXPECT_EQ(is_complete(folder_, id_), need == Need::nothing);
    const Examination found = examine(folder_, id_);
    EXPECT_EQ(found.need, need) << found.text;
    mend(folder_, found);
    EXPECT_TRUE(is_complete_to_the_byte(folder_, id_));
    EXPECT_TRUE(is_complete(folder_, id_));
    EXPECT_EQ(examine(folder_, id_, true).need, Need::nothing);
    const core::RunRecord now = core::read_run(folder_ / "run.h5");
    EXPECT_EQ(difference(whole_, now), "");
    EXPECT_EQ(now.provenance, whole_.provenance);
    EXPECT_TRUE(now.find("eval/agreement/items"));
    EXPECT_TRUE(fs::exists(folder_ / "weights.safetensors"));
  }

  SmallCell small_;
  fs::path folder_;
  core::RunRecord whole_;
  std::string id_;
};

TEST_F(MendedCell, IsFinishedFromWhateverItWasCutOffAt) {
  mends(Need::nothing);
  remove({"run.h5"});  // killed before the last name
  mends(Need::names);
  remove({"run.h5", "weights.safetensors"});  // after done.json
  mends(Need::names);
  remove({"run.h5", "weights.safetensors", "done.json"});  // after result.json
  mends(Need::publish);
  remove({"run.h5", "weights.safetensors", "done.json", "attempt-0001/result.json"});  // after the record
  mends(Need::finish);
  remove({"run.h5", "weights.safetensors", "done.json", "attempt-0001/result.json", "attempt-0001/run.h5"});
  mends(Need::finish);
}

TEST_F(MendedCell, KilledBeforeTheEndOfItsJournalGoesOnFromItsLastCheckpoint) {
  remove({"run.h5", "weights.safetensors", "done.json", "attempt-0001/result.json", "attempt-0001/run.h5"});
  const fs::path journal = folder_ / "attempt-0001" / "journal.log";
  fs::resize_file(journal, fs::file_size(journal) - 1);
  EXPECT_EQ(examine(folder_, id_).need, Need::training);
}

TEST_F(MendedCell, ADamagedRecordIsMadeAgainFromTheJournal) {
  flip(folder_ / "run.h5");
  mends(Need::record);
  EXPECT_TRUE(fs::exists(folder_ / "run.h5.damaged"));
  fs::resize_file(folder_ / "run.h5", 100);
  mends(Need::record);
}

TEST_F(MendedCell, ARecordThatRotsWithItsTimeKeptIsFoundByWhoReadsIt) {
  const auto time = fs::last_write_time(folder_ / "run.h5");
  flip(folder_ / "run.h5");
  fs::last_write_time(folder_ / "run.h5", time);
  EXPECT_TRUE(is_complete(folder_, id_)) << "documented: nobody wrote to it";
  EXPECT_FALSE(is_complete_to_the_byte(folder_, id_));
  EXPECT_THROW((void)core::read_run(folder_ / "run.h5"), std::runtime_error);
  const Examination found = examine(folder_, id_, true);
  EXPECT_EQ(found.need, Need::record);
  EXPECT_HOLDS(found.text, "was damaged since it was sealed");
}

TEST_F(MendedCell, ADamagedDoneIsPutAsideAndTheAttemptPublishedAgain) {
  flip(folder_ / "done.json");
  fs::resize_file(folder_ / "done.json", 10);
  mends(Need::finish);
  EXPECT_TRUE(fs::exists(folder_ / "done.json.damaged"));
}

TEST_F(MendedCell, WithoutTheWinnersJournalADamagedRecordNeedsTraining) {
  fs::remove_all(folder_ / "attempt-0001");
  EXPECT_EQ(examine(folder_, id_, true).need, Need::nothing);
  flip(folder_ / "run.h5");
  const Examination found = examine(folder_, id_);
  EXPECT_EQ(found.need, Need::training);
  mend(folder_, found);
  for (const char* name : {"done.json", "run.h5", "weights.safetensors"}) {
    EXPECT_FALSE(fs::exists(folder_ / name)) << name;
    EXPECT_TRUE(fs::exists(folder_ / (std::string(name) + ".damaged"))) << name;
  }
}

class MendedSweep : public testing::Test {
 protected:
  Ran run(const std::string& arguments) const { return run_program(small_.path(), arguments); }
  fs::path cell(const std::string& arm, const std::string& seed) const {
    for (const auto& entry : fs::directory_iterator(small_.path() / "out" / arm))
      if (entry.path().filename().string().find("s" + seed + "-") != std::string::npos) return entry.path();
    return {};
  }
  SmallSweep small_;
};

TEST_F(MendedSweep, IsRepairedThenCleanedWithoutTraining) {
  ASSERT_EQ(run("run sweep.json --only arm=poet -o out -q").code, 0);
  const fs::path damaged = cell("poet", "0"), cut = cell("poet", "1");
  flip(damaged / "run.h5");
  fs::remove(cut / "done.json");
  fs::remove(cut / "run.h5");
  const Ran dry = run("repair out --dry-run");
  EXPECT_EQ(dry.code, 3);
  EXPECT_HOLDS(dry.out, "run.h5 is made again from the journal of attempt-0001");
  EXPECT_HOLDS(dry.out, "attempt-0001 is trained to its end and is published");
  EXPECT_HOLDS(dry.out, "nothing there: isorbit run trains it");
  EXPECT_FALSE(fs::exists(damaged / "run.h5.damaged"));
  EXPECT_EQ(run("repair out").code, 3) << "the cells of the other arms were never trained";
  const Ran again = run("run sweep.json --only arm=poet -o out");
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(again.err.find("step"), std::string::npos) << again.err;
  EXPECT_EQ(attempts_in(damaged).size(), 1U);

  fs::create_directories(damaged / ".claim.zzzzzz");
  fs::last_write_time(damaged / ".claim.zzzzzz", fs::file_time_type::clock::now() - std::chrono::hours(1));
  const std::string numbers = run("export out").out;
  EXPECT_HOLDS(run("gc out --dry-run").out, "bytes would be freed");
  EXPECT_EQ(attempts_in(damaged).size(), 1U);
  const Ran gc = run("gc out");
  EXPECT_EQ(gc.code, 0) << gc.err;
  EXPECT_HOLDS(gc.out, "the cell is complete");
  EXPECT_HOLDS(gc.out, ".claim.zzzzzz");
  EXPECT_TRUE(attempts_in(damaged).empty());
  EXPECT_EQ(run("export out").out, numbers);
  EXPECT_HOLDS(run("gc out").out, "0 bytes freed");
}

TEST_F(MendedSweep, RunNoticesADamagedRecordAndSaysWhatItDoes) {
  ASSERT_EQ(run("run sweep.json --only arm=poet,seed=0 -o out -q").code, 0);
  const fs::path folder = cell("poet", "0");
  const core::RunRecord before = core::read_run(folder / "run.h5");
  flip(folder / "run.h5");
  const Ran mended = run("run sweep.json --only arm=poet,seed=0 -o out");
  EXPECT_EQ(mended.code, 0);
  EXPECT_HOLDS(mended.err, "put aside; run.h5 is made again from the journal of attempt-0001");
  EXPECT_EQ(run("gc out").code, 0);
  flip(folder / "run.h5");
  const Ran trained = run("run sweep.json --only arm=poet,seed=0 -o out");
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_HOLDS(trained.err, "is trained from the start");
  EXPECT_EQ(difference(before, core::read_run(folder / "run.h5")), "");
}

TEST_F(MendedSweep, FailedAttemptsThatLaterOnesFollowGoWhenAskedFor) {
  const std::string sweep = " sweep.json method.learning_rate=1e30 --only arm=adamw,seed=0 -o out";
  EXPECT_EQ(run("run" + sweep).code, 1);
  EXPECT_EQ(run("retry --failed" + sweep).code, 1);
  const fs::path folder = cell("adamw", "0");
  ASSERT_EQ(attempts_in(folder).size(), 2U);
  EXPECT_HOLDS(run("gc out").out, "0 bytes freed");
  EXPECT_HOLDS(run("gc out --failed").out, "attempt-0001");
  ASSERT_EQ(attempts_in(folder).size(), 1U);
  EXPECT_EQ(attempts_in(folder)[0].number, 2);
  EXPECT_HOLDS(run("gc out --failed").out, "0 bytes freed") << "the newest attempt stays";
}

TEST(Garbage, OfACellOnItsWayIsNeitherItsNewestAttemptNorItsTwoNewestCheckpoints) {
  const TemporaryFolder sweep;
  Cell cell;
  cell.id = std::string(64, 'a');
  cell.folder = "arm/s0-aaaaaaaa";
  const auto write = [&](int attempt, const char* name) {
    sweep.write((cell.folder / attempt_name(attempt) / name).string(), "x");
  };
  for (const int attempt : {1, 2, 3, 4, 5, 6}) write(attempt, "journal.log");
  for (const int attempt : {1, 2, 4}) write(attempt, "checkpoint.safetensors");
  write(3, "failed.json");
  const auto names = [&](bool failed) {
    std::vector<std::string> out;
    for (const Garbage& g : garbage_of(sweep.path(), cell, failed)) out.push_back(g.path.filename().string());
    return out;
  };
  EXPECT_EQ(names(false), (std::vector<std::string>{"attempt-0005", "attempt-0001"}));
  EXPECT_EQ(names(true), (std::vector<std::string>{"attempt-0005", "attempt-0003", "attempt-0001"}));
  HeldLease alive(sweep.path() / cell.folder / "attempt-0001", 60);
  EXPECT_EQ(names(false), std::vector<std::string>{"attempt-0005"});
}

/// Two runners of one cell that takes a while.
class TwoRunners : public MendedSweep {
 protected:
  static std::vector<std::string> words(std::initializer_list<const char*> more) {
    std::vector<std::string> out = {"run",
                                    "sweep.json",
                                    "training.steps=800",
                                    "training.checkpoint_every=20",
                                    "--only",
                                    "arm=adamw,seed=0,learning_rate=0.001",
                                    "-o",
                                    "out"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  Json status() const {
    return Json::parse(run("status out --json").out.substr(0, run("status out --json").out.find('\n')));
  }
};

TEST_F(TwoRunners, ALivingOneIsNamedAndLeftAloneAndADeadOneIsTakenOverAtOnce) {
  ChildProgram first(small_.path(), words({}));
  ASSERT_TRUE(first.wait_for_rows(small_.path() / "out"));
  const Ran busy =
      run("run sweep.json training.steps=800 training.checkpoint_every=20 --only "
          "arm=adamw,seed=0,learning_rate=0.001 -o out");
  EXPECT_EQ(busy.code, 1);
  EXPECT_HOLDS(busy.err, "is left to ");
  EXPECT_HOLDS(busy.err, "0 of 1 cells complete, 1 in other processes");
  EXPECT_HOLDS(run("status out").out, "running");
  EXPECT_HOLDS(run("gc out --failed").out, "0 bytes freed");
  ChildProgram second(small_.path(), words({"--wait"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  first.send(SIGKILL);
  EXPECT_EQ(first.wait(), 128 + SIGKILL);
  EXPECT_EQ(second.wait(), 0) << second.err();
  EXPECT_HOLDS(second.err(), "1 of 1 cells complete");
  const fs::path folder = cell("adamw", "0");
  EXPECT_EQ(read_result(done_path(folder)).attempt, "attempt-0002");
  const core::RunRecord record = core::read_run(folder / "run.h5");
  EXPECT_EQ(record.at("train").at("step").size(), 800U);
  EXPECT_GT(record.at("segment").at("start_step").integers().back(), 0) << "it began anew";
}

TEST_F(TwoRunners, ManyThatBeginASweepAtOnceShareItsCells) {
  std::vector<std::unique_ptr<ChildProgram>> runners;
  for (int i = 0; i < 5; ++i)
    runners.push_back(std::make_unique<ChildProgram>(
        small_.path(), std::vector<std::string>{"run", "sweep.json", "-o", "out", "--wait"}));
  for (const auto& runner : runners) {
    EXPECT_EQ(runner->wait(), 0) << runner->err();
    EXPECT_HOLDS(runner->err(), "8 of 8 cells complete");
  }
  std::size_t attempts = 0;
  for (const char* arm : {"adamw", "poet", "wisca"})
    for (const auto& entry : fs::directory_iterator(small_.path() / "out" / arm))
      attempts += attempts_in(entry.path()).size();
  EXPECT_EQ(attempts, 8U) << "a cell was trained twice";
}

TEST_F(TwoRunners, AHungOneLosesItsCellAndPublishesNothingWhenItWakes) {
  ChildProgram first(small_.path(), words({"--lease", "1"}));
  ASSERT_TRUE(first.wait_for_rows(small_.path() / "out"));
  first.send(SIGSTOP);
  ChildProgram second(small_.path(), words({"--wait", "--lease", "1"}));
  EXPECT_EQ(second.wait(), 0) << second.err();
  const fs::path folder = cell("adamw", "0");
  const std::string done = contents(done_path(folder));
  first.send(SIGCONT);
  EXPECT_EQ(first.wait(), 0) << first.err();
  EXPECT_HOLDS(first.err(), "given up: ");
  EXPECT_EQ(contents(done_path(folder)), done);
  EXPECT_EQ(read_result(done_path(folder)).attempt, "attempt-0002");
  EXPECT_FALSE(fs::exists(folder / "attempt-0001" / "run.h5"));
}

}  // namespace
}  // namespace isorbit::experiments
