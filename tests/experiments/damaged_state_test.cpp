// What a cell goes on from when checkpoints or journals of its attempts are damaged.
#include <gtest/gtest.h>

#include "core/record/journal.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/recorder.hpp"
#include "tests/experiments/file_damage.hpp"
#include "tests/experiments/lives.hpp"
#include "tests/experiments/same_record.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
namespace fs = std::filesystem;

/// A cell that was stopped after step 6, and again after step 9: checkpoints at 6 and 9.
class DamagedState : public testing::Test {
 protected:
  DamagedState()
      : document_(cell_.document("wisca", {{"every", 5}}, {{"steps", 12}, {"checkpoint_every", 3}})) {
    EXPECT_EQ(chain_.stopped_after(6).outcome, Outcome::stopped);
    EXPECT_EQ(chain_.stopped_after(9).outcome, Outcome::stopped);
  }

  fs::path attempt(int number) const { return cell_.path() / "chain" / attempt_name(number); }

  /// Runs on to the end: what was noted. The record must be that of a run that never stopped.
  std::vector<std::string> end(std::int64_t from) {
    std::vector<std::string> notes;
    chain_.request().note = [&](const std::string& text) { notes.push_back(text); };
    std::int64_t first = -1;
    chain_.request().progress = [&](const Progress& p) { first = first < 0 ? p.step : first; };
    CellRequest request = chain_.next();
    chain_.stop() = 0;
    const CellResult result = run_cell(request);
    EXPECT_EQ(result.outcome, Outcome::complete) << result.reason;
    EXPECT_EQ(first, from + 1);
    Lives whole(cell_, document_, "whole");
    EXPECT_EQ(whole.to_the_end().outcome, Outcome::complete);
    EXPECT_EQ(difference(core::read_run(whole.last() / "run.h5"), core::read_run(chain_.last() / "run.h5")),
              "");
    return notes;
  }

  SmallCell cell_;
  Json document_;
  Lives chain_{cell_, document_, "chain"};
};

TEST_F(DamagedState, NothingIsNotedOfWhatIsWholeAndEveryLifeHasItsRow) {
  EXPECT_EQ(end(9), std::vector<std::string>());
  const core::RunRecord run = core::read_run(chain_.last() / "run.h5");
  EXPECT_EQ(run.at("segment").at("start_step").integers(), (std::vector<std::int64_t>{0, 6, 9}));
  EXPECT_EQ(run.at("segment").at("resumed_from").integers(), (std::vector<std::int64_t>{-1, 6, 9}));
}

TEST_F(DamagedState, ADamagedCheckpointIsNamedAndTheOneBeforeIsTaken) {
  const fs::path file = checkpoint_path(attempt(2));
  flip(file, fs::file_size(file) - 100);
  const std::vector<std::string> notes = end(6);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_HOLDS(notes[0], file.string() + ": ");
  EXPECT_HOLDS(notes[0], "; the cell goes on from step 6 of attempt-0001");
  const core::RunRecord run = core::read_run(chain_.last() / "run.h5");
  EXPECT_EQ(run.at("segment").at("start_step").integers(), (std::vector<std::int64_t>{0, 6}))
      << "of the life whose steps are not in the record there is no row";
}

TEST_F(DamagedState, ACheckpointCutShortOrWithAnotherHeaderIsPassedOver) {
  fs::resize_file(checkpoint_path(attempt(2)), 1000);
  const fs::path file = checkpoint_path(attempt(1));
  const std::string text = contents(file);
  flip(file, text.find("\"step\":\"6\"") + 8);
  const std::vector<std::string> notes = end(0);
  ASSERT_EQ(notes.size(), 2U);
  for (const std::string& note : notes) EXPECT_HOLDS(note, "; the cell goes on from the start");
}

TEST_F(DamagedState, ACheckpointOfAnotherCellIsPassedOver) {
  Lives other(cell_, cell_.document("adamw"), "other");
  ASSERT_EQ(other.stopped_after(4).outcome, Outcome::stopped);
  fs::copy_file(checkpoint_path(other.last()), checkpoint_path(attempt(2)),
                fs::copy_options::overwrite_existing);
  const std::vector<std::string> notes = end(6);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_HOLDS(notes[0], "belongs to cell");
}

TEST_F(DamagedState, ACheckpointOrJournalThatCannotBeReadFailsTheCellUntilItCan) {
  for (const fs::path& file : {checkpoint_path(attempt(2)), Recorder::journal_path(attempt(2))}) {
    const Hidden hidden(file);
    CellRequest request = chain_.next();
    chain_.stop() = 0;
    const CellResult result = run_cell(request);
    EXPECT_EQ(result.outcome, Outcome::failed);
    EXPECT_EQ(result.kind, FailureKind::disk);
    EXPECT_HOLDS(result.reason, file.string());
    EXPECT_HOLDS(result.reason, "Too many levels of symbolic links");
    EXPECT_TRUE(fs::is_symlink(file)) << "it was touched";
  }
  EXPECT_EQ(end(9), std::vector<std::string>());
}

TEST_F(DamagedState, ACheckpointWithoutAJournalIsPassedOver) {
  fs::remove(Recorder::journal_path(attempt(2)));
  const std::vector<std::string> notes = end(6);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_HOLDS(notes[0], "journal.log: cannot open: No such file or directory");
}

TEST_F(DamagedState, AJournalThatEndsBeforeTheCheckpointMakesItUnusable) {
  const fs::path journal = Recorder::journal_path(attempt(2));
  flip(journal, fs::file_size(journal) / 2);
  const std::vector<std::string> notes = end(6);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_HOLDS(notes[0], "it is of step 9, but the journal beside it ends at step ");
  EXPECT_HOLDS(notes[0], "journal.log: byte ");
}

TEST_F(DamagedState, ATornOrCorruptTailBehindTheCheckpointCostsNothing) {
  std::ofstream(Recorder::journal_path(attempt(2)), std::ios::app | std::ios::binary) << "IOL1 half a frame";
  EXPECT_EQ(end(9), std::vector<std::string>());
}

TEST_F(DamagedState, AnAttemptHoldsAllRowsAndItsFolderIsForOneLife) {
  fs::remove_all(attempt(1));
  CellRequest request = chain_.next();
  request.folder = attempt(2);
  const CellResult refused = run_cell(request);
  EXPECT_EQ(refused.outcome, Outcome::failed);
  EXPECT_HOLDS(refused.reason, "an attempt's folder is for one process life");
  EXPECT_EQ(end(9), std::vector<std::string>());
}

TEST_F(DamagedState, OfOlderAttemptsOnlyTheOneGoneOnFromKeepsItsCheckpoint) {
  ASSERT_EQ(chain_.stopped_after(10).outcome, Outcome::stopped);
  EXPECT_FALSE(fs::exists(checkpoint_path(attempt(1))));
  EXPECT_TRUE(fs::exists(checkpoint_path(attempt(2))));
  EXPECT_TRUE(fs::exists(checkpoint_path(attempt(3))));
}

TEST_F(DamagedState, TheFenceStopsACellBeforeItsCheckpointAndItsRecord) {
  for (const int allowed : {0, 1}) {
    CellRequest request = chain_.next();
    chain_.stop() = 0;
    int asked = 0;
    request.fence = [&] {
      if (asked++ >= allowed) throw Superseded("somebody else has it");
    };
    const CellResult result = run_cell(request);
    EXPECT_EQ(result.outcome, Outcome::superseded);
    EXPECT_EQ(result.reason, "somebody else has it");
    EXPECT_EQ(fs::exists(checkpoint_path(request.folder)), allowed > 0);
    EXPECT_FALSE(fs::exists(request.folder / "failed.json"));
    EXPECT_FALSE(fs::exists(request.folder / "run.h5"));
    EXPECT_FALSE(fs::exists(request.folder / "weights.safetensors"));
    fs::remove_all(request.folder);
  }
}

}  // namespace
}  // namespace isorbit::experiments
