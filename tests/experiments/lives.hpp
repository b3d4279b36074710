// A cell that lives several times: each life is an attempt in a folder of its own that goes on from those
// before.
#pragma once
#include <algorithm>
#include <atomic>
#include <functional>

#include "experiments/training/attempts.hpp"
#include "experiments/training/replay_chain.hpp"
#include "tests/experiments/small_cell.hpp"

namespace isorbit::experiments {

class Lives {
 public:
  Lives(const SmallCell& cell, core::Json document, std::string name)
      : first_(cell.request(document, name)), cell_folder_(first_.folder) {
    first_.live = false;
  }

  /// What the next life is asked.
  [[nodiscard]] CellRequest next() const {
    CellRequest request = first_;
    request.stop = &stop_;
    const std::vector<Attempt> before = attempts_in(cell_folder_);
    for (const Attempt& attempt : before) request.earlier.push_back(attempt.folder);
    request.folder = cell_folder_ / attempt_name(1 + (before.empty() ? 0 : before.front().number));
    return request;
  }

  /// Asked to stop (1), or to stop without saving as a kill would (2), once `step` is over with all that
  /// belongs to it; step 0: before anything.
  CellResult stopped_after(std::int64_t step, int how = 1) {
    CellRequest request = next();
    stop_ = step == 0 ? how : 0;
    request.progress = [&](const Progress& progress) {
      if (progress.step == step) stop_ = how;
    };
    return run_cell(request);
  }

  /// The same, right after the update and the events of `step`, before its validation and measures.
  CellResult stopped_within(std::int64_t step, int how = 1) {
    CellRequest request = next();
    stop_ = 0;
    request.link = [&](const ReplayLink& link) {
      if (link.step == step) stop_ = how;
    };
    return run_cell(request);
  }

  CellResult to_the_end() {
    const CellRequest request = next();
    stop_ = 0;
    return run_cell(request);
  }

  [[nodiscard]] std::filesystem::path last() const { return attempts_in(cell_folder_).front().folder; }
  [[nodiscard]] std::size_t count() const { return attempts_in(cell_folder_).size(); }
  [[nodiscard]] CellRequest& request() { return first_; }
  std::atomic<int>& stop() { return stop_; }

 private:
  CellRequest first_;
  std::filesystem::path cell_folder_;
  std::atomic<int> stop_ = 0;
};

}  // namespace isorbit::experiments
