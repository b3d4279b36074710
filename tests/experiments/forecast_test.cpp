// What cells will take, against what they take.
#include "experiments/sweep/forecast.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "experiments/sweep/calibration.hpp"
#include "experiments/sweep/cost_cache.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/memory_budget.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/runner.hpp"
#include "experiments/sweep/status.hpp"
#include "experiments/timing/process_memory.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

UnitCosts nominal(const Cell& cell) {
  const core::Model model = core::read_model({"model", cell.document.at("model"), {}}, every_op());
  const Method method = read_method({"method", cell.document.at("method"), {}});
  return nominal_costs(model, method, every_op(), compute_from(cell.document.at("training")));
}

/// A cell whose tensors are larger than the program around them.
const std::vector<std::string> kLarge = {"model.width=384", "model.seq=128", "training.threads=1"};

class Forecasts : public testing::Test {
 protected:
  /// A validation batch of the large cells needs more text.
  Forecasts() { small_.folder().write("data/prose/valid.txt", made_text(8192, 2)); }

  const SmallSweep small_;
  const std::filesystem::path cache_ = small_.path() / "cache";
};

TEST_F(Forecasts, GrowWithTheFlops) {
  const auto costs = [&](const std::string& batch, const std::string& accumulate) {
    std::vector<std::string> overrides = kLarge;
    overrides.push_back("training.batch=" + batch);
    overrides.push_back("training.accumulate=" + accumulate);
    return nominal(small_.read(overrides).cells[0]);
  };
  const UnitCosts once = costs("8", "1"), twice = costs("16", "1"), summed = costs("8", "2");
  EXPECT_NEAR(twice.flops / once.flops, 2, 0.02);
  EXPECT_NEAR(twice.step / once.step, 2, 0.4);
  EXPECT_NEAR(summed.step / once.step, 2, 0.1);
  EXPECT_GT(twice.memory, 1.3 * once.memory);
}

TEST_F(Forecasts, OfRanksAreTheSecondsOfOneAndTheMemoryOfAll) {
  const auto cell = [&](const std::string& batch, const std::string& ranks) {
    std::vector<std::string> overrides = kLarge;
    overrides.push_back("training.batch=" + batch);
    overrides.push_back("training.ranks=" + ranks);
    return small_.read(overrides).cells[0];
  };
  const std::vector<Cell> cells = {cell("4", "1"), cell("8", "2")};
  const Forecast forecast(cells, {0, {}});
  const CellForecast one = *forecast.find(cells[0]), two = *forecast.find(cells[1]);
  EXPECT_NEAR(two.seconds / one.seconds, 1, 0.02);
  EXPECT_NEAR(two.memory / one.memory, 2, 0.1);
  EXPECT_NEAR(two.disk / one.disk, 1, 0.05);
}

TEST_F(Forecasts, TimeNothingWhereNothingMayBeTimed) {
  const Sweep sweep = small_.read();
  const Forecast forecast(sweep.cells, {0, cache_});
  for (const Cell& cell : sweep.cells) {
    ASSERT_NE(forecast.find(cell), nullptr);
    EXPECT_EQ(forecast.find(cell)->basis, ForecastBasis::nominal);
    EXPECT_GT(forecast.seconds_of(cell), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(cache_));
}

TEST_F(Forecasts, AreRememberedAndTakeRatesForTheSameWork) {
  const Sweep sweep = small_.read();
  const Forecast first(sweep.cells, {5, cache_});
  EXPECT_EQ(CostCache(cache_).entries().size(), 3U) << "two learning rates of adamw are one work";
  const auto start = std::chrono::steady_clock::now();
  const Forecast second(sweep.cells, {5, cache_});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  for (const Cell& cell : sweep.cells) {
    EXPECT_EQ(first.find(cell)->basis, ForecastBasis::timed) << cell.arm;
    EXPECT_EQ(second.find(cell)->basis, ForecastBasis::remembered) << cell.arm;
    EXPECT_DOUBLE_EQ(first.seconds_of(cell), second.seconds_of(cell));
  }
  const Sweep longer = small_.read({"training.steps=400"});
  const Forecast third(longer.cells, {5, cache_});
  EXPECT_EQ(third.find(longer.cells[0])->basis, ForecastBasis::remembered) << "steps are counted, not timed";
  EXPECT_GT(third.seconds_of(longer.cells[0]), first.seconds_of(sweep.cells[0]));
}

TEST_F(Forecasts, KeepToTheirSecondsAndScaleTheRest) {
  const Sweep sweep = small_.read({"model.depth=1,2,3", "training.steps=400"});
  const Forecast forecast(sweep.cells, {1e-3, cache_});
  EXPECT_EQ(CostCache(cache_).entries().size(), 1U) << "the dearest is timed in any case";
  std::map<ForecastBasis, std::size_t> bases;
  for (const Cell& cell : sweep.cells) ++bases[forecast.find(cell)->basis];
  EXPECT_GT(bases[ForecastBasis::timed], 0U);
  EXPECT_EQ(bases[ForecastBasis::timed] + bases[ForecastBasis::scaled], sweep.cells.size());
  EXPECT_EQ(bases[ForecastBasis::nominal], 0U);
}

TEST_F(Forecasts, SurviveADamagedCache) {
  const Sweep sweep = small_.read();
  const CostCache empty(cache_);
  std::filesystem::create_directories(cache_);
  small_.folder().write("cache/" + empty.file().filename().string(), "{ \"machine\": [ nothing");
  const Forecast forecast(sweep.cells, {5, cache_});
  EXPECT_EQ(forecast.find(sweep.cells[0])->basis, ForecastBasis::timed);
  EXPECT_FALSE(CostCache(cache_).entries().empty()) << "it is written anew";
}

/// Runs one cell alone, as the program does, and compares.
class Kept : public Forecasts, public testing::WithParamInterface<const char*> {};

TEST_P(Kept, MemoryAndDiskAreWithinAQuarter) {
  std::vector<std::string> overrides = kLarge;
  overrides.insert(overrides.end(), {"training.batch=16", "training.steps=6"});
  const Sweep sweep = small_.read(overrides);
  const auto cell = std::ranges::find(sweep.cells, GetParam(), &Cell::arm);
  ASSERT_NE(cell, sweep.cells.end());
  const std::span<const Cell> one(&*cell, 1);
  const Forecast forecast(one, {0.3, cache_});
  RunRequest request;
  request.folder = small_.path() / "runs";
  request.data_dir = small_.path() / "data";
  request.forecast = &forecast;
  RunObserver silent;
  const auto before = static_cast<double>(resident_bytes());
  ASSERT_EQ(run_cells(one, request, silent).exit_code(), 0);
  const std::optional<CellCost> cost = cost_of(request.folder, *cell);
  ASSERT_TRUE(cost && cost->forecast);
  EXPECT_TRUE(cost->whole);
  EXPECT_GT(cost->seconds, 0);
  const double disk = disk_bytes_of(request.folder, *cell);
  EXPECT_NEAR(cost->forecast->disk / disk, 1, 0.25) << disk << " bytes";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer holds memory of its own";
#endif
  if (!cost->peak) GTEST_SKIP() << "the system does not let a process count its peak of memory anew";
  EXPECT_NEAR(forecast.memory_of(*cell) / (*cost->peak - before), 1, 0.25)
      << *cost->peak - before << " bytes beside the program's";
  const ForecastErrors errors = forecast_errors(request.folder, one);
  EXPECT_EQ(errors.seconds.cells, 1U);
  EXPECT_HOLDS(text_of(errors), "forecast error of 1 cell: seconds median ");
}

INSTANTIATE_TEST_SUITE_P(Arms, Kept, testing::Values("adamw", "poet", "wisca"));

TEST_F(Forecasts, OfASweepFollowTheRunnersOrderAndItsMemory) {
  const Sweep sweep = small_.read();
  const Forecast forecast(sweep.cells, {0, {}});
  double sum = 0, longest = 0, memory = 0;
  for (const Cell& cell : sweep.cells) {
    sum += forecast.seconds_of(cell);
    longest = std::max(longest, forecast.seconds_of(cell));
    memory = std::max(memory, forecast.find(cell)->memory);
  }
  const auto with = [&](std::size_t jobs, double bytes) {
    return forecast.seconds_with(sweep.cells, jobs, bytes);
  };
  EXPECT_NEAR(with(1, INFINITY), sum, 1e-9 * sum);
  EXPECT_LT(with(2, INFINITY), 0.75 * sum);
  EXPECT_GE(with(2, INFINITY), sum / 2);
  EXPECT_NEAR(with(100, INFINITY), longest, 1e-9 * sum);
  EXPECT_NEAR(with(2, memory), sum, 1e-9 * sum) << "there is room for one at a time";
}

TEST_F(Forecasts, KeepCellsFromRunningTogetherThatDoNotFit) {
  const Sweep sweep = small_.read();
  const Forecast forecast(sweep.cells, {0, {}});
  RunRequest request;
  request.folder = small_.path() / "runs";
  request.jobs = 3;
  request.forecast = &forecast;
  std::atomic<int> at_work = 0, most = 0;
  request.run = [&](const CellRequest& wanted) {
    most = std::max(most.load(), ++at_work);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --at_work;
    return seal(wanted, wanted.id);
  };
  RunObserver silent;
  request.memory = 0;
  for (const Cell& cell : sweep.cells)  // a byte: a program under a sanitizer is far larger than these cells
    request.memory = std::max(request.memory, forecast.find(cell)->memory + 1);
  EXPECT_EQ(run_cells(sweep.cells, request, silent).exit_code(), 0);
  EXPECT_EQ(most, 1);
}

TEST_F(Forecasts, StandInThePlanAndBesideWhatItTook) {
  const std::string cached = "env XDG_CACHE_HOME='" + cache_.string() + "' ";
  const Ran plan = run_program(small_.path(), "plan sweep.json --calibrate 2", cached);
  EXPECT_EQ(plan.code, 0) << plan.err;
  for (const char* column : {" time ", " memory ", " disk "}) EXPECT_HOLDS(plan.out, column);
  EXPECT_HOLDS(plan.out, " with --jobs 1");
  EXPECT_HOLDS(plan.out, "forecast of 8 cells timed");
  const Ran again = run_program(small_.path(), "plan sweep.json --json", cached);
  EXPECT_HOLDS(again.out, "\"forecast\":{\"seconds\":");
  EXPECT_HOLDS(again.out, "\"basis\":\"remembered\"");
  EXPECT_HOLDS(again.out, "{\"jobs\":{\"1\":");
  const Ran run = run_program(small_.path(), "run sweep.json --limit 2", cached);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_HOLDS(run.err, "forecast error of 2 cells: seconds median ");
  const core::Json kept = core::read_document(small_.path() / "runs/small/forecast.json").root;
  EXPECT_EQ(kept.at("cells").size(), 2U);
  EXPECT_EQ(kept.at("errors").at("seconds").at("cells"), 2);
  EXPECT_HOLDS(run_program(small_.path(), "status runs/small", cached).out, "forecast error of 2 cells: ");
  EXPECT_HOLDS(run_program(small_.path(), "plan sweep.json", cached).out, "  took ");
}

TEST_F(Forecasts, RefuseWhatDoesNotFitBeforeAnythingStarts) {
  const Ran run = run_program(small_.path(), "run sweep.json --memory 1MB");
  EXPECT_EQ(run.code, 2);
  EXPECT_HOLDS(run.err, "found 1 MB of memory (--memory 1MB); expected at least ");
  EXPECT_HOLDS(run.err, "the forecast of adamw learning_rate=0.001 seed 0");
  EXPECT_FALSE(std::filesystem::exists(small_.path() / "runs"));
}

TEST(MemoryBudget, IsWhatTheNearestControlGroupLeaves) {
  const TemporaryFolder root;
  root.write("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n");
  root.write("proc/self/cgroup", "4:memory:/batch/job_7\n0::/slice\n");
  const auto held = static_cast<double>(resident_bytes());
  const auto expect = [&](double free, const std::string& source) {
    const MemoryBudget budget = memory_budget(root.path());
    EXPECT_NEAR(budget.bytes, 0.9 * (free + held), 0.02 * held + 1e6);
    EXPECT_HOLDS(budget.source, source);
  };
  expect(8000000 * 1024.0, "MemAvailable");
  root.write("sys/fs/cgroup/memory/batch/job_7/memory.limit_in_bytes", "9223372036854771712\n");
  root.write("sys/fs/cgroup/slice/memory.max", "max\n");
  expect(8000000 * 1024.0, "MemAvailable");
  root.write("sys/fs/cgroup/slice/memory.max", "4000000000\n");
  root.write("sys/fs/cgroup/slice/memory.current", "1500000000\n");
  root.write("sys/fs/cgroup/slice/memory.stat", "anon 1\ninactive_file 500000000\n");
  expect(3e9, "sys/fs/cgroup/slice");
  root.write("sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "2000000000\n");
  root.write("sys/fs/cgroup/memory/batch/memory.usage_in_bytes", "1000000000\n");
  expect(1e9, "memory.limit_in_bytes of ");
}

TEST(MemoryBudget, ReadsBytesAsPeopleWriteThem) {
  EXPECT_EQ(bytes_from("1000000"), 1e6);
  EXPECT_EQ(bytes_from("800M"), 8e8);
  EXPECT_EQ(bytes_from("1.5GB"), 1.5e9);
  EXPECT_EQ(bytes_from("2 GiB"), 2147483648.0);
  for (const char* wrong : {"", "0", "-1", "many", "3 apples", "nan"})
    EXPECT_FALSE(bytes_from(wrong)) << wrong;
}

}  // namespace
}  // namespace isorbit::experiments
