#include "experiments/sweep/kept_plans.hpp"

#include <gtest/gtest.h>

#include <set>

#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/status.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

class KeptPlans : public testing::Test {
 protected:
  SweepRequest request(std::vector<std::string> overrides = {}) const {
    return {small_.path() / "sweep.json", std::move(overrides), small_.path() / "data", {}};
  }
  Sweep begin(std::vector<std::string> overrides = {}) const {
    const SweepRequest wanted = request(std::move(overrides));
    Sweep sweep = read_sweep(wanted);
    begin_plan(folder(), sweep, wanted);
    return sweep;
  }
  fs::path folder() const { return small_.path() / "runs"; }
  std::vector<fs::path> kept() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder() / "plans")) out.push_back(entry.path());
    return out;
  }
  void change_data() const { small_.folder().write("data/prose/train.txt", made_text(4096, 9)); }

  SmallSweep small_;
};

TEST_F(KeptPlans, WhatRanUnderAnEarlierDocumentStaysKnownAndIsMarked) {
  const Sweep first = begin();
  seal_cell(folder() / first.cells[2].folder, first.cells[2].id);
  const Sweep second = begin({"training.steps=6"});
  EXPECT_EQ(manifest_of(read_manifest(folder())), manifest_of(second)) << "today's is the newest";
  const std::vector<Cell> earlier = earlier_cells(folder(), second.cells);
  ASSERT_EQ(earlier.size(), 1U) << "what was never begun is not remembered";
  EXPECT_EQ(earlier[0].id, first.cells[2].id);
  EXPECT_EQ(state_of(folder(), earlier[0]), CellState::done);
  EXPECT_TRUE(fs::exists(folder() / "plans" / earlier[0].plan / "plan.json")) << earlier[0].plan;
  EXPECT_TRUE(earlier_cells(folder(), first.cells).empty()) << "they are the first document's own";
}

TEST_F(KeptPlans, AThirdDocumentForgetsNeitherOfTheOthers) {
  const Sweep first = begin(), second = begin({"training.steps=6"});
  seal_cell(folder() / first.cells[0].folder, first.cells[0].id);
  seal_cell(folder() / second.cells[0].folder, second.cells[0].id);
  const Sweep third = begin({"training.steps=8"});
  std::set<std::string> ids;
  for (const Cell& cell : earlier_cells(folder(), third.cells)) ids.insert(cell.id);
  EXPECT_EQ(ids, (std::set<std::string>{first.cells[0].id, second.cells[0].id}));
  begin();
  EXPECT_EQ(kept().size(), 3U) << "a plan that comes back is kept once";
}

TEST_F(KeptPlans, TheDocumentsThemselvesAreKept) {
  const Sweep first = begin({"training.steps=6"});
  for (const char* name : {"sweep.json", "model.json", "adamw.json", "poet.json", "wisca.json"})
    small_.folder().write(name, "{}");
  ASSERT_EQ(kept().size(), 1U);
  const Sweep again =
      read_sweep({kept()[0] / "documents/sweep.json", {}, small_.path() / "data", std::nullopt});
  ASSERT_EQ(again.cells.size(), first.cells.size());
  for (std::size_t i = 0; i < again.cells.size(); ++i) EXPECT_EQ(again.cells[i].id, first.cells[i].id);
}

TEST_F(KeptPlans, OtherDataAreRefusedWhateverBecameOfTodaysPlan) {
  begin();
  change_data();
  EXPECT_THROW((void)begin(), core::DocumentError);
  fs::resize_file(folder() / "plan.json", 300);
  EXPECT_HOLDS(message_of<core::DocumentError>([&] { (void)begin(); }), "which the sweep was begun with");
  fs::remove(folder() / "plan.json");
  EXPECT_THROW((void)begin(), core::DocumentError);
}

TEST_F(KeptPlans, ADamagedPlanIsWrittenAgainFromTheSameDocument) {
  const Sweep sweep = begin();
  fs::resize_file(folder() / "plan.json", 300);
  EXPECT_THROW((void)read_manifest(folder()), core::DocumentError);
  begin();
  EXPECT_EQ(manifest_of(read_manifest(folder())), manifest_of(sweep));
}

TEST_F(KeptPlans, WhereNothingElseIsKnownADamagedPlanIsNoPermission) {
  fs::create_directories(folder());
  write_manifest(folder(), small_.read());  // as before plans were kept
  fs::resize_file(folder() / "plan.json", 300);
  const std::string text = message_of<core::DocumentError>([&] { (void)begin(); });
  EXPECT_HOLDS(text, "nobody knows on which data this was begun");
  EXPECT_HOLDS(text, "put it back from a copy, or begin anew in another folder with -o");
  EXPECT_FALSE(fs::exists(folder() / "plans"));
}

TEST_F(KeptPlans, AFolderFromBeforePlansWereKeptLosesNothing) {
  const Sweep first = small_.read();
  fs::create_directories(folder());
  small_.folder().write("runs/plan.json", manifest_of(first).dump(1) + "\n");
  seal_cell(folder() / first.cells[1].folder, first.cells[1].id);
  const Sweep second = begin({"training.steps=6"});
  ASSERT_EQ(earlier_cells(folder(), second.cells).size(), 1U);
}

TEST_F(KeptPlans, ADamagedOneIsMendedFromTodaysElseSaidAndStopsTheRun) {
  begin();
  begin({"training.steps=6"});
  const std::string today = contents(folder() / "plan.json");
  ASSERT_EQ(kept().size(), 2U);
  const bool first = contents(kept()[0] / "plan.json") == today;
  const fs::path todays = kept()[first ? 0 : 1] / "plan.json", other = kept()[first ? 1 : 0] / "plan.json";
  fs::resize_file(todays, 300);
  begin({"training.steps=6"});
  EXPECT_EQ(contents(todays), today);
  fs::resize_file(other, 300);
  EXPECT_HOLDS(message_of<core::DocumentError>([&] { (void)begin({"training.steps=8"}); }),
               "its SHA-256 is not that in its name; put it back from a copy, or remove");
}

TEST_F(KeptPlans, WhatCannotBeReadIsNeitherDamagedNorAbsent) {
  begin();
  fs::remove(folder() / "plan.json");
  fs::create_symlink("plan.json", folder() / "plan.json");  // ELOOP
  EXPECT_THROW((void)begin(), std::system_error);
}

TEST_F(KeptPlans, APlanOfAsManyCellsAsAreAllowedIsReadAgain) {
  Sweep sweep = small_.read();
  const Cell cell = sweep.cells[0];
  sweep.cells.assign(100000, cell);
  for (std::size_t i = 0; i < sweep.cells.size(); ++i) sweep.cells[i].seed = static_cast<std::int64_t>(i);
  fs::create_directories(folder());
  write_manifest(folder(), sweep);
  EXPECT_GT(fs::file_size(folder() / "plan.json"), std::uintmax_t{16} << 20);
  const Sweep read = read_manifest(folder());
  ASSERT_EQ(read.cells.size(), sweep.cells.size());
  EXPECT_EQ(read.cells.back().seed, 99999);
}

}  // namespace
}  // namespace isorbit::experiments
