// Runs the cells of a sweep that are missing, one after another or several side by side in this process, each
// on processors of its own. What a cell computes depends on its document alone: packing changes no digit.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"
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
  /// What the user should know of the cell, a sentence.
  virtual void note(const Cell& /*cell*/, const std::string& /*text*/) {}
  /// Another process works on the cell.
  virtual void busy(const Cell& /*cell*/) {}
};

struct RunRequest {
  std::filesystem::path folder;  // the sweep's
  std::filesystem::path data_dir;
  std::vector<std::string> argv;
  bool fail_fast = false;
  std::size_t jobs = 1;                    // cells at once
  std::vector<int> processors;             // to bind jobs to, `training.threads` each; too few: none is bound
  const std::atomic<int>* stop = nullptr;  // as CellRequest::stop
  std::function<CellResult(const CellRequest&)> run = run_cell;
};

struct RunSummary {
  std::size_t complete = 0;  // before and now
  std::size_t ran = 0, failed = 0, busy = 0, left = 0;
  bool stopped = false;

  /// 0 all complete, 75 stopped on request, 1 else.
  [[nodiscard]] int exit_code() const;
};

/// Threads of the cell: its document's training.threads.
[[nodiscard]] std::size_t threads_of(const Cell& cell);

/// True unless a cell starts from another one of the sweep that is not complete in its folder.
[[nodiscard]] bool has_source(const std::filesystem::path& sweep_folder, const Cell& cell);

/// Runs the missing ones of `cells`: in their order, or with several jobs the dearest first (parameters times
/// tokens), each after the one whose weights it starts from; with that one it fails. A cell that fails is
/// counted and the others go on, unless fail_fast: then those at work save their state and stop.
RunSummary run_cells(std::span<const Cell> cells, const RunRequest& request, RunObserver& observer);

}  // namespace isorbit::experiments
