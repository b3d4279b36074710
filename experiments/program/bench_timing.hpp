// Times of training steps, in milliseconds, node by node.
#pragma once
#include <string>
#include <vector>

#include "experiments/program/bench_subject.hpp"

namespace isorbit::experiments {

struct StepTime {
  double total = 0;                                        // wall clock around the four
  double data = 0, forward = 0, backward = 0, update = 0;  // nodes of both passes by their flops
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

/// Runs the subject's warm-up and then its timed steps.
[[nodiscard]] Timing time_steps(BenchSubject& subject);

/// Milliseconds a step that the method's periodic events take, spread over their cadence.
[[nodiscard]] double time_events(BenchSubject& subject);

struct RecordTime {
  double row_ms = 0;      // the row of one step
  double spectra_ms = 0;  // one round of singular values and measures of all weights
  double step_ms = 0;     // a step: its row, and spectra spread over their default cadence
};
[[nodiscard]] RecordTime time_record(BenchSubject& subject);

/// Most memory this process has held (VmHWM), bytes; 0 where the system does not say.
[[nodiscard]] std::size_t peak_bytes();

}  // namespace isorbit::experiments
