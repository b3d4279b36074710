#include "experiments/sweep/status.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/record/journal.hpp"
#include "experiments/sweep/labels.hpp"
#include "experiments/sweep/time_left.hpp"
#include "experiments/timing/stopwatch.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

class Status : public testing::Test {
 protected:
  Status() : sweep_(small_.read()), folder_(small_.path() / "runs") {}

  /// Cells of so many seeds.
  std::vector<Cell> many(std::size_t count) const {
    std::vector<Cell> cells(count, sweep_.cells[0]);
    for (std::size_t i = 0; i < count; ++i) {
      std::string digits = std::to_string(i);
      cells[i].id = std::string(8 - digits.size(), '0') + digits + std::string(56, 'f');
      cells[i].seed = static_cast<std::int64_t>(i);
      cells[i].folder = folder_of(cells[i]);
    }
    return cells;
  }
  std::string text(std::span<const Cell> cells, bool all = false) const {
    return status_text(folder_, cells, status_of(folder_, cells), all);
  }

  SmallSweep small_;
  Sweep sweep_;
  fs::path folder_;
};

TEST_F(Status, OfAFinishedCellIsReadFromItsResultAlone) {
  const Cell& cell = sweep_.cells[0];
  seal_cell(folder_ / cell.folder, cell.id);
  const CellStatus status = status_of(folder_, cell);
  EXPECT_EQ(status.state, CellState::done);
  EXPECT_EQ(status.step, 4);
  EXPECT_EQ(status.loss, 2.5);
  EXPECT_EQ(status.valid_loss, 2.25);
}

TEST_F(Status, ManyPlannedCellsTakeALineAnArm) {
  const std::vector<Cell> cells = many(3000);
  seal_cell(folder_ / cells[7].folder, cells[7].id);
  const std::string shown = text(cells);
  EXPECT_HOLDS(shown, "adamw: 2999 planned\n--missing lists them\n\n3000 cells: 1 done 2999 planned\n");
  EXPECT_HOLDS(shown, short_id(cells[7].id));
  EXPECT_LT(std::ranges::count(shown, '\n'), 12);
  EXPECT_GT(std::ranges::count(text(cells, true), '\n'), 3000);
}

TEST_F(Status, TwentyThousandCellsHalfOfThemBegunTakeSeconds) {
  const std::vector<Cell> cells = many(20000);
  for (std::size_t i = 0; i < cells.size(); i += 2)
    fs::create_directories(folder_ / cells[i].folder / "attempt-0001");
  const Stopwatch watch;
  EXPECT_HOLDS(text(cells), "20000 cells: 20000 planned");
  EXPECT_EQ(missing_cells(cells, folder_).size(), cells.size());
  EXPECT_LT(watch.seconds(), 30) << "each missing cell cost a look at every folder: minutes";
}

TEST_F(Status, WhatCannotBeReadIsUnknownAndNotMissing) {
  const Cell &cell = sweep_.cells[0], &other = sweep_.cells.back();
  seal_cell(folder_ / other.folder, other.id);
  fs::create_directory_symlink(cell.arm, folder_ / cell.arm);  // ELOOP
  const SweepStatus status = status_of(folder_, sweep_.cells);
  EXPECT_EQ(status.cells[0].state, CellState::unknown);
  EXPECT_HOLDS(status.cells[0].reason, "Too many levels of symbolic links");
  EXPECT_TRUE(status.has_unknown());
  EXPECT_EQ(status.cells.back().state, CellState::done) << "the others are told";
}

TEST_F(Status, TheJournalOfAnotherCellIsSaid) {
  const Cell& cell = sweep_.cells[0];
  const fs::path attempt = folder_ / cell.folder / "attempt-0001";
  fs::create_directories(attempt);
  {
    core::Journal journal(attempt / "journal.log");
    journal.append({{"t", "segment"}, {"cell", std::string(64, 'b')}});
    journal.append({{"t", "train"}, {"step", 3}, {"loss", 1.0}});
  }
  const CellStatus status = status_of(folder_, cell);
  EXPECT_EQ(status.state, CellState::stopped);
  EXPECT_HOLDS(status.reason, "journal.log: is of another cell, bbbbbbbb");
  EXPECT_EQ(status.step, 0);
}

TEST_F(Status, SaysTheTimeThatIsLeftWhereItIsKnown) {
  const Forecast forecast(sweep_.cells, {0, {}});
  fs::create_directories(folder_);
  EXPECT_EQ(text(sweep_.cells).find("left for"), std::string::npos);
  write_expected(folder_, sweep_.cells, forecast);
  EXPECT_EQ(read_expected(folder_).size(), sweep_.cells.size());
  EXPECT_EQ(text(sweep_.cells).find("left for"), std::string::npos) << "nominal: it may be anything";
  small_.folder().write("runs/expected.json",
                        "{\"" + sweep_.cells[1].id + "\": {\"seconds\": 200, \"basis\": \"timed\"}}");
  EXPECT_HOLDS(text(sweep_.cells), "about 3 min 20 s left for 1 of 8 cells with 1 at once\n");
  write_expected(folder_, std::span(sweep_.cells).first(1), forecast);
  EXPECT_EQ(read_expected(folder_).size(), 2U) << "what others expect stays";
  small_.folder().write("runs/expected.json", "{");
  EXPECT_TRUE(read_expected(folder_).empty()) << "a forecast is no result";
}

}  // namespace
}  // namespace isorbit::experiments
