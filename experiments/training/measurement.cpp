#include "experiments/training/measurement.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/linalg/linalg.hpp"

namespace isorbit::experiments {

namespace {

struct Norms {
  double l1 = 0, frobenius = 0;
};

std::size_t rank_of(Learner& learner, const std::string& tensor) {
  const core::Parameter* parameter = learner.model().graph.parameter(tensor);
  return parameter != nullptr ? learner.model().graph.shape(parameter->value).rank()
                              : learner.store().at(tensor).shape().rank();
}

Norms norms(std::span<const float> values) {
  Norms n;
  for (const float x : values) {
    n.l1 += std::abs(static_cast<double>(x));
    n.frobenius += static_cast<double>(x) * x;
  }
  return {n.l1, std::sqrt(n.frobenius)};
}

/// A matrix and what is found of it.
struct Found {
  std::string name;
  core::Shape shape;
  std::span<const float> values;
  std::vector<double> singular_values;
  std::map<std::string, double> measures;

  /// About its operations: n of the short side, two products over the long side and one decomposition.
  [[nodiscard]] double cost() const {
    const auto n = static_cast<double>(std::min(shape[0], shape[1]));
    return n * n * (static_cast<double>(std::max(shape[0], shape[1])) + 8 * n);
  }
};

void measure(Learner& learner, const analysis::MeasureSet& measures, Found& found) {
  const auto rows = static_cast<std::size_t>(found.shape[0]), cols = static_cast<std::size_t>(found.shape[1]);
  found.singular_values = core::singular_values(found.values, rows, cols);
  for (const analysis::Measure& m : measures.all())
    found.measures[m.name] = m.of({found.values, rows, cols, found.singular_values});
  if (Parametrized* p = learner.find_parametrized(found.name)) {
    const Learner::Drift drift = learner.drift(*p, found.singular_values);
    found.measures["defect"] = drift.defect;
    found.measures["defect_bound"] = drift.bound;
    const Word<Parametrization>& word = p->group->parametrization;
    if (word.word->measures)
      found.measures.merge(word.word->measures(word.fields, p->read_coordinates(), p->updates));
  }
}

/// The weights dealt out so that every thread has about as much to do: the dearest first, each to the thread
/// that has least.
std::vector<std::vector<Found*>> dealt(std::vector<Found>& weights, std::size_t threads) {
  std::vector<Found*> order;
  for (Found& found : weights) order.push_back(&found);
  std::ranges::stable_sort(order, std::ranges::greater(), &Found::cost);
  std::vector<std::vector<Found*>> hands(threads);
  std::vector<double> load(threads, 0.0);
  for (Found* found : order) {
    const auto least = static_cast<std::size_t>(std::ranges::min_element(load) - load.begin());
    hands[least].push_back(found);
    load[least] += found->cost();
  }
  return hands;
}

/// Of pairs of which either side is one tensor, and both matrices or both vectors: a norm of gains over that
/// of a matrix says little.
void measure_ratios(Learner& learner, std::int64_t step, Recorder& recorder) {
  for (const core::ScalingFamily& family : learner.symmetries().families) {
    std::vector<std::string> sides[2];
    for (const core::ScaledWeight& member : family.members)
      if (!member.is_offset) sides[member.power > 0 ? 0 : 1].push_back(member.parameter);
    if (sides[0].size() != 1 || sides[1].size() != 1) continue;
    const std::string &first = sides[0][0], &second = sides[1][0];
    if (rank_of(learner, first) != rank_of(learner, second)) continue;
    const Norms a = norms(learner.realized(first)), b = norms(learner.realized(second));
    recorder.measures(step, "ratio/" + family.kind + "/" + first,
                      {{"l1", a.l1 / b.l1}, {"frobenius", a.frobenius / b.frobenius}});
  }
}

}  // namespace

bool measure_weights(Learner& learner, const analysis::MeasureSet& measures, std::int64_t step,
                     Recorder& recorder, const std::function<bool()>& stops) {
  learner.realize();
  std::vector<Found> weights;
  for (const std::string& name : learner.weights()) {
    const core::Graph& model = learner.model().graph;
    const core::Shape& shape = model.value(model.parameter(name)->value).type.shape;
    if (shape.rank() == 2) weights.push_back({name, shape, learner.realized(name), {}, {}});
  }
  core::Engine& engine = learner.engine();
  const std::vector<std::vector<Found*>> hands = dealt(weights, static_cast<std::size_t>(engine.threads()));
  engine.parallel(engine.threads(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t hand = begin; hand < end; ++hand)
      for (Found* found : hands[static_cast<std::size_t>(hand)]) {
        if (stops && stops()) return;
        measure(learner, measures, *found);
      }
  });
  if (std::ranges::any_of(weights, [](const Found& found) { return found.singular_values.empty(); }))
    return false;
  for (const Found& found : weights) {
    recorder.spectrum(step, found.name, found.shape.dims(), found.singular_values);
    recorder.measures(step, "measure/" + found.name, found.measures);
  }
  measure_ratios(learner, step, recorder);
  return true;
}

}  // namespace isorbit::experiments
