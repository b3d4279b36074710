// The missing cells of a sweep, taken one by one by every job.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "experiments/data/shared_sources.hpp"
#include "experiments/sweep/cell_queue.hpp"
#include "experiments/sweep/runner.hpp"

namespace isorbit::experiments {

/// The mutex guards all of it, and the observer.
class CellPool {
 public:
  /// `request` and `observer` outlive it.
  CellPool(CellQueue missing, const RunRequest& request, RunObserver& observer)
      : missing_(std::move(missing)), request_(request), observer_(observer) {}

  /// Takes cells until there are no more. Any number of threads.
  void work();
  /// Of the cells that were missing.
  [[nodiscard]] RunSummary summary() const;

 private:
  /// The next cell; waits for one that others at work will make ready.
  std::optional<CellQueue::Turn> next();
  /// Until cells that other processes hold are to be looked at again. False when time is up.
  bool wait_for_others(std::unique_lock<std::mutex>& lock);
  /// Bytes that a cell adds to those at work, by the forecast.
  [[nodiscard]] double memory_of(const Cell& cell) const;
  /// Whether the cell fits beside those at work. Alone it may always try.
  [[nodiscard]] bool has_room(const Cell& cell) const;
  /// Whether the cell can be started and save a state before the time limit.
  bool has_time(const Cell& cell);
  void run(const CellQueue::Turn& turn);
  void leave_to_others(const Cell& cell, const std::filesystem::path& folder);
  CellResult train(const Cell& cell, const Claim& claim);
  void note(const Cell& cell, const std::string& text);
  /// `by_others`: superseded by an attempt that has completed the cell.
  void count(const Cell& cell, const CellResult& result, bool by_others);
  /// At least so much of a stop for the cells at work.
  void halt(int asked);

  template <class Body>
  void tell(const Body& body) {
    const std::scoped_lock lock(mutex_);
    body();
    changed_.notify_all();
  }

  CellQueue missing_;
  const RunRequest& request_;
  RunObserver& observer_;
  SharedSources sources_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> halt_ = 0;
  std::size_t begun_ = 0;
  double seconds_per_parameter_ = 0;  // a cell needs to start, make a step and save its state, at most so far
  bool out_of_time_ = false;
  LeaseWatch watch_;
  std::set<const Cell*> told_;  // of which it was said that others hold them
  std::chrono::steady_clock::time_point look_again_ = {};
  std::size_t at_work_ = 0;  // cells
  double held_ = 0;          // bytes of them, by the forecast
  RunSummary counts_;
};

/// The cell that a cell starts from, as far as its folder can be found.
[[nodiscard]] Cell source_of(const Cell& cell);

}  // namespace isorbit::experiments
