#include "experiments/timing/step_times.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace isorbit::experiments {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

double median_of(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Timing::median(double StepTime::*part) const {
  std::vector<double> values;
  for (const StepTime& step : steps) values.push_back(step.*part);
  return median_of(std::move(values));
}

std::vector<double> Timing::node_medians() const {
  std::vector<double> medians;
  for (std::size_t node = 0; !nodes.empty() && node < nodes.front().size(); ++node) {
    std::vector<double> values;
    for (const std::vector<double>& step : nodes) values.push_back(step[node]);
    medians.push_back(median_of(std::move(values)));
  }
  return medians;
}

std::size_t Timing::typical() const {
  const double middle = median(&StepTime::total);
  const auto nearest =
      std::min_element(steps.begin(), steps.end(), [&](const StepTime& a, const StepTime& b) {
        return std::abs(a.total - middle) < std::abs(b.total - middle);
      });
  return static_cast<std::size_t>(nearest - steps.begin());
}

Timing time_steps(Rehearsal& rehearsal, const StepPlan& plan) {
  Learner& learner = rehearsal.learner();
  const std::span<const core::Step> executed = learner.program().steps();
  const std::int64_t all = plan.warmup + plan.steps;
  const BatchBuffers inputs = learner.train_inputs();
  rehearsal.fill(inputs, 0);
  std::vector<Clock::time_point> before(executed.size() + 1);
  Timing timing;
  const Clock::time_point begun = Clock::now();
  for (std::int64_t i = 0; i < all; ++i) {
    const Clock::time_point start = Clock::now();
    const bool stopped = plan.stop != nullptr && plan.stop->load() != 0;
    if (!timing.steps.empty() && (stopped || milliseconds(begun, start) > 1e3 * plan.seconds)) break;
    for (int part = 1; part < rehearsal.compute().accumulate; ++part) {
      if (!plan.fixed_batch) rehearsal.fill(inputs, i);
      (void)learner.backward();
    }
    const Clock::time_point last = Clock::now();
    if (!plan.fixed_batch) rehearsal.fill(inputs, i);
    const Clock::time_point filled = Clock::now();
    (void)learner.backward([&](std::size_t node) { before[node] = Clock::now(); });
    const Clock::time_point ran = Clock::now();
    (void)learner.update(i, all);
    const Clock::time_point end = Clock::now();
    if (i < plan.warmup) continue;
    StepTime step{milliseconds(start, end), milliseconds(last, filled), 0, 0, milliseconds(ran, end)};
    std::vector<double> nodes;
    for (std::size_t n = 0; n < executed.size(); ++n) {
      nodes.push_back(milliseconds(before[n], before[n + 1]));
      step.forward += executed[n].forward_share * nodes.back();
      step.backward += (1 - executed[n].forward_share) * nodes.back();
    }
    timing.steps.push_back(step);
    timing.nodes.push_back(std::move(nodes));
  }
  return timing;
}

}  // namespace isorbit::experiments
