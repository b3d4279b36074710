// Cells that start from others: none runs before its source, and none after one that failed.
#include "experiments/sweep/cell_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include "experiments/sweep/runner.hpp"
#include "experiments/sweep/status.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

/// Cells a, b from a, c from b, and d.
class Chain : public testing::Test {
 protected:
  Chain() {
    for (const std::string name : {"a", "b", "c", "d"}) {
      Cell cell;
      cell.arm = name;
      cell.id = std::string(64, name[0]);
      cell.folder = std::filesystem::path(name) / ("s0-" + short_id(cell.id));
      cell.document = {{"training", {{"threads", 1}}}};
      cell.facts.tokens = cell.facts.parameters = 1;
      if (name == "b" || name == "c") {
        const Cell& source = cells_.back();
        cell.from = CellStart{source.arm, source.id, source.folder, {}, {}};
      }
      cells_.push_back(cell);
    }
    request_.folder = folder_.path();
    request_.run = [this](const CellRequest& request) { return run_one(request); };
  }

  CellResult run_one(const CellRequest& request) {
    const std::string arm = request.folder.parent_path().parent_path().filename().string();
    const auto cell = std::ranges::find(cells_, arm, &Cell::arm);
    if (cell->from) {
      EXPECT_TRUE(is_complete(folder_.path() / cell->from->folder, cell->from->id)) << arm;
      EXPECT_EQ(request.from, folder_.path() / cell->from->folder / "weights.safetensors");
    }
    {
      const std::scoped_lock lock(mutex_);
      ran_.push_back(arm);
    }
    if (arm == fails_) return {Outcome::failed, "the disk is full", 0, 0};
    if (arm == slow_) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return seal(request, cell->id);
  }

  RunSummary run(std::vector<Cell> cells) {
    RunObserver silent;
    return run_cells(cells, request_, silent);
  }
  std::vector<const Cell*> pointers() const {
    std::vector<const Cell*> out;
    for (const Cell& cell : cells_) out.push_back(&cell);
    return out;
  }

  TemporaryFolder folder_;
  std::vector<Cell> cells_;
  RunRequest request_;
  std::mutex mutex_;
  std::vector<std::string> ran_;
  std::string fails_, slow_;
};

TEST_F(Chain, RunsEachAfterItsSourceWhateverTheOrderOfTheList) {
  std::ranges::reverse(cells_);
  EXPECT_EQ(run(cells_).exit_code(), 0);
  EXPECT_EQ(ran_, (std::vector<std::string>{"d", "a", "b", "c"}));
}

TEST_F(Chain, WaitsForASourceThatAnotherJobIsAt) {
  request_.jobs = 3;
  slow_ = "a";
  EXPECT_EQ(run(cells_).complete, 4U);
  EXPECT_EQ(ran_.size(), 4U);
}

TEST_F(Chain, FailsWithItsSourceAndSaysWhy) {
  fails_ = "a";
  for (const std::size_t jobs : {1, 2}) {
    request_.jobs = jobs;
    ran_.clear();
    std::filesystem::remove_all(folder_.path() / "d");
    const RunSummary summary = run(cells_);
    EXPECT_EQ(summary.failed, 3U);
    EXPECT_EQ(summary.complete, 1U);
    EXPECT_EQ(ran_.size(), 2U) << "b and c cannot run";
    const CellStatus status = status_of(folder_.path(), cells_[2]);
    EXPECT_EQ(status.state, CellState::failed);
    EXPECT_EQ(status.reason,
              "it starts from b bbbbbbbb, which failed: it starts from a aaaaaaaa, which failed: the disk is "
              "full");
  }
  fails_.clear();
  EXPECT_EQ(run(cells_).exit_code(), 0) << "a second call tries again";
}

TEST_F(Chain, LeavesACellWhoseSourceWasStopped) {
  request_.run = [&](const CellRequest&) { return CellResult{Outcome::stopped, "", 0, 1}; };
  const RunSummary summary = run(cells_);
  EXPECT_EQ(summary.ran, 2U);
  EXPECT_EQ(summary.left, 4U);
}

TEST_F(Chain, StartsFromACellThatIsCompleteOutsideTheSelection) {
  EXPECT_FALSE(has_source(request_.folder, cells_[1]));
  EXPECT_EQ(run({cells_[1]}).failed, 1U);
  EXPECT_EQ(status_of(folder_.path(), cells_[1]).reason, "it starts from a aaaaaaaa, which is not complete");
  EXPECT_EQ(run({cells_[0]}).exit_code(), 0);
  EXPECT_TRUE(has_source(request_.folder, cells_[1]));
  EXPECT_EQ(run({cells_[1]}).exit_code(), 0);
}

TEST_F(Chain, BeginsWithTheDearestChain) {
  // d is dearer than a, b or c, but not than all three.
  const auto seconds = [](const Cell& cell) { return cell.arm == "d" ? 2.0 : 1.0; };
  std::vector<const Cell*> order = pointers();
  sort_dearest_first(order, seconds);
  EXPECT_EQ(order.front()->arm, "a");
}

}  // namespace
}  // namespace isorbit::experiments
