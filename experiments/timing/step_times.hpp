// Times of training steps, in milliseconds, node by node.
#pragma once
#include <atomic>
#include <limits>
#include <vector>

#include "experiments/timing/rehearsal.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments {

/// Which steps are timed.
struct StepPlan {
  std::int64_t steps = 20, warmup = 3;                       // timed, and before them
  bool fixed_batch = false;                                  // the same batch every step
  double seconds = std::numeric_limits<double>::infinity();  // no step begins later, but for one timed one
  const std::atomic<int>* stop = nullptr;                    // not 0: the same
};

struct StepTime {
  double total = 0;  // wall clock around the four, and the batches accumulated before the last
  double data = 0, forward = 0, backward = 0, update = 0;  // of the last; nodes of both passes by their flops
};

struct Timing {
  std::vector<StepTime> steps;
  std::vector<std::vector<double>> nodes;  // [step][executed node]

  /// Of one part over the steps.
  [[nodiscard]] double median(double StepTime::*part) const;
  /// Of every executed node over the steps.
  [[nodiscard]] std::vector<double> node_medians() const;
  /// The step whose total is nearest to the median.
  [[nodiscard]] std::size_t typical() const;
};

/// The middle value; the mean of the middle two where their number is even. NaN of none.
[[nodiscard]] double median_of(std::vector<double> values);

/// Runs the warm-up and then the timed steps.
[[nodiscard]] Timing time_steps(Rehearsal& rehearsal, const StepPlan& plan);

/// Milliseconds of one round of singular values and measures of all weights, on the disk at its end.
[[nodiscard]] double time_spectra(Rehearsal& rehearsal, Recorder& recorder);

/// Milliseconds a step that the method's periodic events take, spread over their cadence.
[[nodiscard]] double time_events(Rehearsal& rehearsal);

struct RecordTime {
  double row_ms = 0;      // the row of one step
  double spectra_ms = 0;  // one round of singular values and measures of all weights
  double step_ms = 0;     // a step: its row, and spectra spread over their default cadence
};
[[nodiscard]] RecordTime time_record(Rehearsal& rehearsal);

}  // namespace isorbit::experiments
