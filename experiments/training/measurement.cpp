#include "experiments/training/measurement.hpp"

#include <cmath>

#include "core/linalg/linalg.hpp"
#include "experiments/training/pairs.hpp"

namespace isorbit::experiments {

namespace {

struct Norms {
  double l1 = 0, frobenius = 0;
};

Norms norms(std::span<const float> values) {
  Norms n;
  for (const float x : values) {
    n.l1 += std::abs(static_cast<double>(x));
    n.frobenius += static_cast<double>(x) * x;
  }
  return {n.l1, std::sqrt(n.frobenius)};
}

void measure_weight(Learner& learner, const std::string& name, const core::Shape& shape,
                    const analysis::MeasureSet& measures, std::int64_t step, Recorder& recorder) {
  const auto rows = static_cast<std::size_t>(shape[0]), cols = static_cast<std::size_t>(shape[1]);
  const std::span<const float> weight = learner.realized(name);
  const std::vector<double> singular_values = core::singular_values(weight, rows, cols);
  recorder.spectrum(step, name, shape.dims(), singular_values);
  std::map<std::string, double> values;
  for (const analysis::Measure& m : measures.all())
    values[m.name] = m.of({weight, rows, cols, singular_values});
  if (Parametrized* p = learner.find_parametrized(name)) {
    const Learner::Drift drift = learner.drift(*p, singular_values);
    values["defect"] = drift.defect;
    values["defect_bound"] = drift.bound;
  }
  recorder.measures(step, "measure/" + name, values);
}

}  // namespace

void measure_weights(Learner& learner, const analysis::MeasureSet& measures, std::int64_t step,
                     Recorder& recorder) {
  learner.realize();
  for (const std::string& name : learner.weights()) {
    const core::Shape& shape = learner.store().at(name).shape();
    if (shape.rank() == 2) measure_weight(learner, name, shape, measures, step, recorder);
  }
  for (const core::ScalingPair& pair : learner.model().pairs) {
    for (const EventScope::Pair& p : resolve_pair(learner.model().graph, pair)) {
      const Norms first = norms(learner.realized(p.first)), second = norms(learner.realized(p.second));
      recorder.measures(step, "ratio/" + pair.name + "/" + p.first,
                        {{"l1", first.l1 / second.l1}, {"frobenius", first.frobenius / second.frobenius}});
    }
  }
}

}  // namespace isorbit::experiments
