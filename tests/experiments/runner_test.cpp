#include "experiments/sweep/runner.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "core/record/journal.hpp"
#include "core/record/run_file.hpp"
#include "experiments/sweep/claim.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/plan.hpp"
#include "experiments/sweep/processors.hpp"
#include "experiments/sweep/status.hpp"
#include "experiments/training/attempts.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

/// Processors the calling thread may run on.
std::vector<int> bound_to() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> out;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int id = 0; id < CPU_SETSIZE; ++id)
      if (CPU_ISSET(id, &set)) out.push_back(id);
  return out;
}

class Runner : public testing::Test {
 protected:
  Runner() : sweep_(small_.read()) {
    request_.folder = small_.path() / "runs";
    request_.data_dir = small_.path() / "data";
    for (const Cell& cell : sweep_.cells) ids_[(request_.folder / cell.folder).string()] = cell.id;
    request_.run = [this](const CellRequest& request) {
      ran_.push_back(cell_of(request).lexically_relative(request_.folder).string());
      return seal(request, ids_.at(cell_of(request).string()));
    };
  }
  RunSummary run() {
    RunObserver silent;
    return run_cells(sweep_.cells, request_, silent);
  }
  /// The folder of the cell whose attempt is asked for.
  static std::filesystem::path cell_of(const CellRequest& request) { return request.folder.parent_path(); }
  std::string text() const {
    return status_text(request_.folder, sweep_.cells, status_of(request_.folder, sweep_.cells));
  }
  std::string json() const {
    return status_json(request_.folder, sweep_.cells, status_of(request_.folder, sweep_.cells));
  }
  CellState state(std::size_t i) const { return state_of(request_.folder, sweep_.cells[i]); }

  SmallSweep small_;
  Sweep sweep_;
  RunRequest request_;
  std::map<std::string, std::string> ids_;
  std::vector<std::string> ran_;
};

TEST_F(Runner, RunsTheCellsInOrderAndOnlyTheMissingOnesAgain) {
  const RunSummary first = run();
  EXPECT_EQ(first.exit_code(), 0);
  EXPECT_EQ(first.complete, sweep_.cells.size());
  ASSERT_EQ(ran_.size(), sweep_.cells.size());
  for (std::size_t i = 0; i < ran_.size(); ++i) EXPECT_EQ(ran_[i], sweep_.cells[i].folder.string());
  std::filesystem::remove_all(request_.folder / sweep_.cells[2].folder);
  ran_.clear();
  EXPECT_EQ(run().exit_code(), 0);
  EXPECT_EQ(ran_, std::vector<std::string>{sweep_.cells[2].folder.string()});
}

TEST_F(Runner, FindsACellByItsIdWhenItsLabelHasChanged) {
  run();
  ran_.clear();
  const std::filesystem::path old = request_.folder / sweep_.cells[0].folder;
  const std::string tail = old.filename().string().substr(old.filename().string().rfind("s0-"));
  std::filesystem::rename(old, old.parent_path() / ("another_label-" + tail));
  EXPECT_EQ(run().complete, sweep_.cells.size());
  EXPECT_TRUE(ran_.empty());
}

TEST_F(Runner, GoesOnAfterACellThatFailsAndKeepsTheReason) {
  const auto good = request_.run;
  request_.run = [&, good](const CellRequest& request) {
    if (cell_of(request) == request_.folder / sweep_.cells[0].folder)
      throw std::runtime_error("the disk is full");
    return good(request);
  };
  const RunSummary summary = run();
  EXPECT_EQ(summary.exit_code(), 1);
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(summary.complete, sweep_.cells.size() - 1);
  EXPECT_EQ(state(0), CellState::failed);
  EXPECT_EQ(status_of(request_.folder, sweep_.cells[0]).reason, "the disk is full");
  request_.run = good;
  EXPECT_EQ(run().exit_code(), 0);
  EXPECT_EQ(state(0), CellState::done);
}

TEST_F(Runner, StopsAtTheFirstFailureWhenAsked) {
  request_.fail_fast = true;
  request_.run = [](const CellRequest&) { return CellResult{Outcome::failed, "no", 0, 0}; };
  const RunSummary summary = run();
  EXPECT_EQ(summary.ran, 1U);
  EXPECT_EQ(summary.left, sweep_.cells.size() - 1);
  EXPECT_EQ(summary.exit_code(), 1);
}

/// Several cells side by side.
class SideBySide : public Runner {
 protected:
  SideBySide() {
    request_.jobs = 2;
    request_.run = [this](const CellRequest& request) {
      const std::scoped_lock lock(mutex_);
      return seal(request, ids_.at(cell_of(request).string()));
    };
  }
  /// Waits until `count` cells are at work, or long enough to give up.
  bool together(int count) {
    std::unique_lock lock(mutex_);
    ++at_work_;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return at_work_ >= count; });
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int at_work_ = 0;
};

/// Every number of a record but the times.
std::string numbers_of(const core::RunRecord& record) {
  std::string bytes;
  const auto add = [&](const auto& values) {
    for (const auto& value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (const core::Series& series : record.series) {
    for (const core::Column& column : series.columns) {
      if (column.name == "seconds" || column.name == "start_time") continue;
      bytes += series.path + "/" + column.name;
      if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) add(*numbers);
      if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) add(*integers);
    }
  }
  for (const core::Spectrum& spectrum : record.spectra) {
    bytes += spectrum.parameter;
    add(spectrum.values);
  }
  return bytes;
}

TEST_F(SideBySide, PackingChangesNoDigit) {
  const Sweep sweep = small_.read({"training.threads=1", "training.steps=12", "training.spectra_every=5"});
  RunObserver silent;
  request_.run = run_cell;
  for (const std::size_t jobs : {1, 2}) {
    request_.folder = small_.path() / std::to_string(jobs);
    request_.jobs = jobs;
    request_.processors = processors().ids;
    ASSERT_EQ(run_cells(sweep.cells, request_, silent).exit_code(), 0);
  }
  for (const Cell& cell : sweep.cells) {
    const core::RunRecord one = core::read_run(small_.path() / "1" / cell.folder / "run.h5"),
                          two = core::read_run(small_.path() / "2" / cell.folder / "run.h5");
    EXPECT_EQ(one.config, two.config);
    EXPECT_GT(numbers_of(one).size(), 1000U);
    EXPECT_TRUE(numbers_of(one) == numbers_of(two)) << cell.folder;
  }
}

TEST_F(SideBySide, RunsAsManyCellsAtOnceAsThereAreJobs) {
  const auto seal_it = request_.run;
  request_.run = [&](const CellRequest& request) {
    EXPECT_TRUE(together(2)) << "the second cell waits for the first";
    return seal_it(request);
  };
  EXPECT_EQ(run().complete, sweep_.cells.size());
}

TEST_F(SideBySide, BindsEachJobToProcessorsOfItsOwn) {
  for (Cell& cell : sweep_.cells) cell.document["training"]["threads"] = 1;
  request_.processors = processors().ids;
  if (request_.processors.size() < 2) GTEST_SKIP() << "one processor";
  std::set<int> used;
  const auto seal_it = request_.run;
  request_.run = [&](const CellRequest& request) {
    const std::vector<int> own = bound_to();
    EXPECT_EQ(own.size(), 1U);
    EXPECT_TRUE(together(2));
    {
      const std::scoped_lock lock(mutex_);
      used.insert(own.begin(), own.end());
    }
    return seal_it(request);
  };
  run();
  EXPECT_EQ(used.size(), 2U);
}

TEST_F(SideBySide, BeginsWithTheDearestCells) {
  struct Order : RunObserver {
    void begin(const Cell& cell, std::size_t index, std::size_t) override {
      EXPECT_EQ(index, begun.size() + 1);
      begun.push_back(cell.id);
    }
    std::vector<std::string> begun;
  } order;
  for (const std::size_t long_one : {6, 7}) sweep_.cells[long_one].document["training"]["steps"] = 4000;
  const Forecast forecast(sweep_.cells, {});
  ASSERT_GT(forecast.seconds_of(sweep_.cells[6]), forecast.seconds_of(sweep_.cells[0]));
  request_.forecast = &forecast;
  run_cells(sweep_.cells, request_, order);
  ASSERT_EQ(order.begun.size(), sweep_.cells.size());
  const std::set<std::string> first(order.begun.begin(), order.begun.begin() + 2);
  EXPECT_EQ(first, (std::set<std::string>{sweep_.cells[6].id, sweep_.cells[7].id}));
}

TEST_F(SideBySide, AFailureStaysItsOwn) {
  const auto seal_it = request_.run;
  request_.run = [&](const CellRequest& request) {
    if (cell_of(request) == request_.folder / sweep_.cells[3].folder) throw std::runtime_error("no disk");
    return seal_it(request);
  };
  const RunSummary summary = run();
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(summary.complete, sweep_.cells.size() - 1);
  EXPECT_EQ(status_of(request_.folder, sweep_.cells[3]).reason, "no disk");
}

TEST_F(SideBySide, AFailureStopsTheOthersWhenAskedAndTheySaveTheirState) {
  request_.fail_fast = true;
  request_.run = [&](const CellRequest& request) {
    const bool first = cell_of(request) == request_.folder / sweep_.cells[0].folder;
    EXPECT_TRUE(together(2));
    if (first) return CellResult{Outcome::failed, "no", 0, 0};
    for (int i = 0; i < 3000 && request.stop->load() == 0; ++i) {
      request.progress({});
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return CellResult{request.stop->load() == 1 ? Outcome::stopped : Outcome::complete, "", 0, 1};
  };
  const RunSummary summary = run();
  EXPECT_EQ(summary.ran, 2U);
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(summary.left, sweep_.cells.size() - 1);
  EXPECT_EQ(summary.exit_code(), 1) << "nobody asked for a stop";
}

TEST_F(SideBySide, StopsAllCellsOnRequestAndGoesOnLater) {
  struct Stopper : RunObserver {
    void step(const Cell& cell, const Progress&) override {
      seen.insert(cell.id);
      if (seen.size() == 2) stop = 1;
    }
    std::set<std::string> seen;
    std::atomic<int> stop = 0;
  } stopper;
  const Sweep sweep =
      small_.read({"training.threads=1", "training.steps=2000", "training.spectra_every=10000",
                   "training.validate_every=10000", "seeds=0"});
  request_.run = run_cell;
  request_.stop = &stopper.stop;
  const RunSummary summary = run_cells(sweep.cells, request_, stopper);
  EXPECT_EQ(summary.exit_code(), 75);
  EXPECT_EQ(summary.ran, 2U);
  EXPECT_EQ(summary.left, sweep.cells.size());
  std::size_t saved = 0;
  for (const Cell& cell : sweep.cells)
    saved += newest_file(request_.folder / cell.folder, "checkpoint.safetensors") ? 1 : 0;
  EXPECT_EQ(saved, 2U);
}

TEST_F(Runner, EndsWith75WhenStoppedOnRequest) {
  std::atomic<int> stop = 0;
  request_.stop = &stop;
  const auto good = request_.run;
  request_.run = [&, good](const CellRequest& request) {
    if (ran_.size() == 1) {
      stop = 1;
      return CellResult{Outcome::stopped, "", 0, 2};
    }
    return good(request);
  };
  const RunSummary summary = run();
  EXPECT_EQ(summary.exit_code(), 75);
  EXPECT_EQ(summary.complete, 1U);
  EXPECT_EQ(summary.left, sweep_.cells.size() - 1);
}

TEST_F(Runner, LeavesACellToTheProcessThatHasClaimedIt) {
  LeaseWatch watch;
  const auto claim = Claim::take(request_.folder / sweep_.cells[1].folder, watch);
  ASSERT_TRUE(claim.has_value());
  EXPECT_HOLDS(text(), "pid " + std::to_string(::getpid()));
  EXPECT_EQ(state(1), CellState::running);
  const RunSummary summary = run();
  EXPECT_EQ(summary.busy, 1U);
  EXPECT_EQ(summary.exit_code(), 1);
  EXPECT_EQ(summary.complete, sweep_.cells.size() - 1);
}

TEST_F(Runner, DoesNotTakeAFolderOrAForeignRecordForACompleteCell) {
  const std::filesystem::path folder = request_.folder / sweep_.cells[0].folder;
  std::filesystem::create_directories(folder);
  EXPECT_EQ(state(0), CellState::planned);
  seal_cell(folder, "another id");
  EXPECT_EQ(run().exit_code(), 0);
  EXPECT_EQ(ran_.front(), sweep_.cells[0].folder.string());
  EXPECT_TRUE(std::filesystem::exists(folder / "done.json.damaged"));
  EXPECT_EQ(core::read_run(folder / "run.h5").provenance.at("cell_id"), sweep_.cells[0].id);
}

TEST_F(Runner, ReportsTheLastStepAndLossOfACellFromItsJournal) {
  const std::filesystem::path folder = request_.folder / sweep_.cells[0].folder / "attempt-0003";
  std::filesystem::create_directories(folder);
  {
    core::Journal journal(folder / "journal.log");
    journal.append({{"t", "train"}, {"step", 1}, {"loss", 5.0}});
    journal.append({{"t", "valid"}, {"step", 1}, {"loss", 4.5}});
    journal.append({{"t", "train"}, {"step", 2}, {"loss", 4.0}});
  }
  std::filesystem::resize_file(folder / "journal.log",
                               std::filesystem::file_size(folder / "journal.log") - 1);
  const CellStatus status = status_of(request_.folder, sweep_.cells[0]);
  EXPECT_EQ(status.state, CellState::stopped);
  EXPECT_EQ(status.step, 1) << "a torn row does not count";
  EXPECT_EQ(status.loss, 5.0);
  EXPECT_EQ(status.valid_loss, 4.5);
  EXPECT_EQ(status.attempt, 3);
}

TEST_F(Runner, StatusTellsWhoWorksOnACellAndWhetherHeHasBeenHeardOfLately) {
  const std::filesystem::path attempt = request_.folder / sweep_.cells[0].folder / "attempt-0002";
  std::filesystem::create_directories(attempt);
  std::ofstream(attempt / "lease")
      << R"({"host": "node7", "boot": "b", "pid": 12, "uid": 0, "job": "17_3", "restarts": 1, "start": 0,)"
      << R"( "seconds": 60, "locks": true, "ended": false})";
  { core::Journal journal(attempt / "journal.log"); }
  EXPECT_EQ(state(0), CellState::running);
  EXPECT_HOLDS(text(), "node7 pid 12 job 17_3");
  std::filesystem::last_write_time(attempt / "lease",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::seconds(90));
  EXPECT_EQ(state(0), CellState::stopped);
  EXPECT_HOLDS(text(), "node7 pid 12 job 17_3, stale: no sign of life for 9");
  EXPECT_HOLDS(json(), "\"stale_seconds\":9");
}

TEST_F(Runner, ManifestTellsTheSweepAgain) {
  write_manifest(request_.folder, sweep_);
  const Sweep read = read_manifest(request_.folder);
  EXPECT_EQ(manifest_of(read), manifest_of(sweep_));
  ASSERT_EQ(read.cells.size(), sweep_.cells.size());
  EXPECT_EQ(read.cells[3].id, sweep_.cells[3].id);
  EXPECT_EQ(label_of(read.cells[3].changed), label_of(sweep_.cells[3].changed));
}

TEST_F(Runner, PlanListsEveryCellWithItsStateAndWhatWasDropped) {
  sweep_.dropped.push_back({"poet", {{"model.width", 10}}, {}, "when \"x\" is false"});
  seal_cell(request_.folder / sweep_.cells[0].folder, sweep_.cells[0].id);
  const std::string text = plan_text(sweep_, sweep_.cells, request_.folder);
  for (const Cell& cell : sweep_.cells) EXPECT_HOLDS(text, short_id(cell.id));
  EXPECT_HOLDS(text, std::to_string(sweep_.cells.size()) + " cells: 1 done, 7 planned");
  EXPECT_HOLDS(text, "dropped poet width=10: when \"x\" is false");
  const std::string json = plan_json(sweep_, sweep_.cells, request_.folder);
  EXPECT_EQ(static_cast<std::size_t>(std::count(json.begin(), json.end(), '\n')), sweep_.cells.size() + 1);
  EXPECT_EQ(core::Json::parse(json.substr(0, json.find('\n'))).at("state"), "done");
}

TEST_F(Runner, PlanForecastsParametersTokensAndSpectra) {
  const CellFacts& facts = sweep_.cells[0].facts;
  // embed and head 256 x 32, two layers of four 32 x 32, one gain of 32.
  EXPECT_EQ(facts.parameters, 2 * 256 * 32 + 2 * 4 * 32 * 32 + 32);
  EXPECT_EQ(facts.tokens, 4 * 4 * 16);
  // Ten matrices of rank 32 as f32, at the start and at the end (spectra_every is past the last step).
  EXPECT_EQ(facts.spectra_bytes, 10 * 32 * 4 * 2);
  EXPECT_GT(facts.unigram_entropy, 2);
  EXPECT_LT(facts.unigram_entropy, 4);
}

}  // namespace
}  // namespace isorbit::experiments
