// Times real training steps on random batches, and what lies between them, within a budget of seconds.
#pragma once
#include <atomic>
#include <filesystem>

#include "experiments/sweep/unit_costs.hpp"

namespace isorbit::experiments {

/// A calibration was asked to stop.
struct CalibrationStopped {};

struct CalibrationRequest {
  core::Json document;  // of a cell, resolved
  UnitCosts expected;   // what is known so far, to decide what fits the budget
  UnitCounts counts;    // what is timed: the events that a cell has
  double seconds = 0;   // to be spent; setup, two steps and a validation batch are timed in any case
  std::filesystem::path scratch;           // folder on the disk whose speed counts; made if missing
  const std::atomic<int>* stop = nullptr;  // not 0: stop
};

/// What was timed; parts that did not fit are NaN, sizes are exact. Throws what a cell of this document would
/// throw (std::bad_alloc, DocumentError).
[[nodiscard]] UnitCosts calibrate(const CalibrationRequest& request);

/// Seconds that calibrate() takes in any case.
[[nodiscard]] double least_seconds(const UnitCosts& expected);

}  // namespace isorbit::experiments
