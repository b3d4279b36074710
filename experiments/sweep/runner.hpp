// Runs the cells of a sweep that are missing, one after another or several side by side in this process, each
// on processors of its own. What a cell computes depends on its document alone: packing changes no digit.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/claim.hpp"
#include "experiments/sweep/forecast.hpp"
#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

/// What a display is told, by one thread at a time. Defaults do nothing.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// `index` counts from 1 among the `count` cells that are missing.
  virtual void begin(const Cell& /*cell*/, std::size_t /*index*/, std::size_t /*count*/) {}
  virtual void step(const Cell& /*cell*/, const Progress& /*progress*/) {}
  virtual void end(const Cell& /*cell*/, const CellResult& /*result*/) {}
  /// The cell needs no training after all: another process was first, or only its publication was missing.
  virtual void found(const Cell& /*cell*/) {}
  /// What the user should know of the cell, a sentence.
  virtual void note(const Cell& /*cell*/, const std::string& /*text*/) {}
  /// Another process works on the cell: host, pid, job.
  virtual void busy(const Cell& /*cell*/, const std::string& /*who*/) {}
};

struct RunRequest {
  std::filesystem::path folder;  // the sweep's
  std::filesystem::path data_dir;
  std::vector<std::string> argv;
  bool fail_fast = false;
  bool live = true;                    // as CellRequest::live
  std::size_t jobs = 1;                // cells at once
  const Forecast* forecast = nullptr;  // of the cells; none: they take no time and no memory
  double memory = std::numeric_limits<double>::infinity();  // bytes that the process may hold
  std::vector<int> processors;             // to bind jobs to, `training.threads` each; too few: none is bound
  const std::atomic<int>* stop = nullptr;  // as CellRequest::stop
  const TimeLimit* limit = nullptr;        // stops by itself, and starts no cell that cannot save its state
  bool wait = false;                       // for cells that others hold, to take over those they lose
  double lease = Claim::kSeconds;          // seconds without a sign of life after which a cell is lost
  bool retry = false;                      // only the cells whose own failure plain runs leave
  std::function<CellResult(const CellRequest&)> run = run_cell;
};

struct RunSummary {
  std::size_t complete = 0;  // before and now
  std::size_t ran = 0, failed = 0, busy = 0;
  std::size_t left = 0;         // not begun for a stop, or with `retry` for want of a failure
  std::size_t left_failed = 0;  // failed before for a reason of their own, and were left
  bool stopped = false;         // on request or by the time limit

  /// 0 all complete, 75 stopped on request, 1 else.
  [[nodiscard]] int exit_code() const;
};

/// Threads of the cell: its document's training.threads.
[[nodiscard]] std::size_t threads_of(const Cell& cell);

/// True unless a cell starts from another one of the sweep that is known not to be complete in its folder.
[[nodiscard]] bool has_source(const SweepFolder& sweep_folder, const Cell& cell);

/// Runs the missing ones of `cells`: in their order, or with several jobs the dearest first by forecast, of
/// those that fit into memory beside the others, each after the one whose weights it starts from; with that
/// one it fails. A cell that fails is counted and the others go on, unless fail_fast: then those at work save
/// their state and stop. Cells that failed before in a way that repeats are left, or with `retry` the only
/// ones that run. Those of which it cannot be told whether they are complete fail, and nothing of theirs is
/// touched. What a cell needs to save a state is taken from the cells before it, in proportion to its
/// parameters.
RunSummary run_cells(std::span<const Cell> cells, const RunRequest& request, RunObserver& observer);

}  // namespace isorbit::experiments
