// A training run in double, for tests: it starts at a learner's first values, takes its model's graph by the
// reference engine, its updates by their formulas, and runs the same events. What words declare (powers of
// moments, degrees, families of scaled weights) is the learner's; rounding is not.
#pragma once
#include <memory>

#include "core/runtime/reference.hpp"
#include "experiments/training/realizations.hpp"
#include "formulas.hpp"
#include "small_training.hpp"

namespace isorbit::experiments::testing_support {

inline core::Graph in_reference_ops(const core::Graph& graph, bool differentiated) {
  const core::Graph expanded = core::expand(graph, every_op());
  return core::expand_all(differentiated ? core::differentiate(expanded, every_op()) : expanded, every_op());
}

/// The largest difference, relative to the largest of the first.
inline double relative(const Numbers& before, const Numbers& after) {
  double largest = 0, most = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    largest = std::max(largest, std::abs(before[i]));
    const double by = std::abs(after[i] - before[i]);
    if (!(by <= most)) most = by;
  }
  return most / largest;
}

class Twin {
 public:
  /// `of` must outlive it, and not have begun to train.
  explicit Twin(Training& of)
      : learner(of.learner),
        method_(of.method),
        model_(of.model),
        rewrites_(realizations(of.method, of.model, every_op(), core::DType::f32).rewrites),
        train_(in_reference_ops(core::parametrize(model_.graph, every_op(), rewrites_), true)),
        forward_(in_reference_ops(core::parametrize(model_.graph, every_op(), rewrites_), false)) {
    for (const auto& [name, tensor] : learner.store().tensors()) read(name, tensor);
    for (const Trained& t : learner.trained())
      trained_.push_back({t.name, t.weight, ExactChain(t.tensor->shape(), t.group->update)});
    for (Parametrized& p : learner.parametrized()) {
      Rotated& own = rotated_[p.name] = {p.group, p.shape, {}, p.coordinate_names};
      for (const core::Tensor* c : p.coordinates) {
        own.coordinates.push_back(std::make_unique<core::Tensor>(c->type()));
        std::ranges::copy(c->bytes(), own.coordinates.back()->bytes().begin());
      }
    }
  }

  /// Losses of steps first .. last - 1.
  Numbers train(std::int64_t first, std::int64_t last) {
    Numbers losses;
    for (std::int64_t step = first; step < last; ++step) {
      losses.push_back(train_without_events(step));
      events(step + 1);
    }
    return losses;
  }
  double train_without_events(std::int64_t step) {
    give(static_cast<std::uint64_t>(step % kBatches));
    const auto results = core::evaluate(train_, in_);
    for (One& t : trained_) {
      Numbers& p = in_.values.at(t.name);
      const Numbers d = t.chain.direction(results.at("gradient/" + t.name), p, step, kSteps);
      for (std::size_t i = 0; i < p.size(); ++i) p[i] -= d[i];
    }
    for (auto& [name, own] : rotated_) ++own.updates;
    return results.at("loss")[0];
  }
  [[nodiscard]] Numbers logits() {
    give(kProbe);
    return core::evaluate(forward_, in_).at("logits");
  }
  /// The weight the model computes with.
  [[nodiscard]] Numbers realized(const std::string& weight) {
    if (!rotated_.contains(weight)) return in_.values.at(weight);
    core::Graph graph;
    const core::Parameter& parameter = *model_.graph.parameter(weight);
    core::Builder builder(graph, every_op(), weight, parameter.pointer);
    graph.outputs.push_back(
        {weight, rewrites_.at(weight).weight(builder, parameter, model_.graph.value(parameter.value))});
    return core::evaluate(in_reference_ops(graph, false), in_).at(weight);
  }
  void events(std::int64_t step);

  Learner& learner;
  std::vector<EventRow> rows = {};

 private:
  friend class TwinScope;
  struct One {
    std::string name, weight;
    ExactChain chain;
  };
  struct Rotated {
    const Group* group;
    core::Shape shape;
    std::vector<std::unique_ptr<core::Tensor>> coordinates;  // state as drawn; trained ones are in in_
    std::vector<std::string> names;
    std::int64_t interval = 0, updates = 0;
    [[nodiscard]] std::vector<core::Tensor*> all() const {
      std::vector<core::Tensor*> out;
      for (const auto& c : coordinates) out.push_back(c.get());
      return out;
    }
    /// Which element of the weight each of the base is: a weight of its own indices, as the word stores it.
    [[nodiscard]] std::vector<std::size_t> order() const {
      std::vector<float> indices(static_cast<std::size_t>(shape.elements()));
      std::iota(indices.begin(), indices.end(), 0.0F);
      const Word<Parametrization>& word = group->parametrization;
      core::Tensor base(word.word->base_type(word.fields, {shape}));
      std::ranges::copy(indices, base.values().begin());
      if (word.word->store) word.word->store(word.fields, indices, base, all());
      return {base.values().begin(), base.values().end()};
    }
  };

  void read(const std::string& name, const core::Tensor& tensor) {
    if (tensor.type().dtype == core::DType::s32) {
      in_.indices[name].assign(tensor.indices().begin(), tensor.indices().end());
    } else {
      in_.values[name].assign(tensor.values().begin(), tensor.values().end());
    }
  }
  void give(std::uint64_t step) {
    for (const core::ModelInput& input : model_.inputs) in_.indices[input.name] = drawn(input, step);
  }
  void merge(const std::string& weight) {
    const Numbers now = realized(weight);
    Rotated& own = rotated_.at(weight);
    const Word<Parametrization>& word = own.group->parametrization;
    ++own.interval, own.updates = 0;
    word.word->start(word.fields, weight, own.all(), learner.seed(), own.interval);
    for (std::size_t i = 0; i < own.names.size(); ++i) read(own.names[i], *own.coordinates[i]);
    const std::vector<std::size_t> order = own.order();
    for (std::size_t k = 0; k < order.size(); ++k) in_.values.at(weight)[k] = now[order[k]];
  }

  const Method& method_;
  const core::Model& model_;
  std::map<std::string, core::Realize> rewrites_;
  core::Graph train_, forward_;
  core::ReferenceInputs in_;
  std::vector<One> trained_;
  std::map<std::string, Rotated> rotated_;
};

/// What an event sees of it. Numbers are shown to events in f32; what they do is done in double.
class TwinScope final : public EventScope {
 public:
  TwinScope(Twin& twin, std::int64_t step, std::vector<std::string> weights)
      : twin_(twin), step_(step), weights_(std::move(weights)) {}
  std::int64_t step() const override { return step_; }
  std::uint64_t seed() const override { return twin_.learner.seed(); }
  std::span<const std::string> weights() const override { return weights_; }
  bool is_parametrized(const std::string& weight) const override { return twin_.rotated_.contains(weight); }
  std::vector<Merged> merge(std::span<const std::string> weights) override {
    for (const std::string& weight : weights) twin_.merge(weight);
    return std::vector<Merged>(weights.size());
  }
  void reset_moments(const std::string& weight) override {
    for (Twin::One& t : twin_.trained_)
      if (t.weight == weight || t.name == weight) t.chain.reset();
  }
  std::vector<float> logits() override {
    const Numbers all = twin_.logits();
    return {all.begin(), all.end()};
  }
  const std::vector<core::ScalingFamily>& families() const override {
    return twin_.learner.symmetries().families;
  }
  std::span<const float> weight(const std::string& tensor) override {
    Numbers now = twin_.realized(tensor);
    for (const std::size_t axis : {0, 1})
      for (const ExactChain* chain : targets(tensor, axis))
        if (!chain->rated[axis].empty()) along(now, shape_of(tensor), axis, chain->rated[axis]);
    return shown_[tensor] = {now.begin(), now.end()};
  }
  bool takes_single_factors(const std::string& tensor) const override {
    return !is_parametrized(tensor) || twin_.rotated_.at(tensor).updates == 0 || adapters(tensor);
  }
  std::optional<Adapters> adapters(const std::string& weight) const override {
    if (!is_parametrized(weight)) return std::nullopt;
    const auto& pair = twin_.rotated_.at(weight).group->parametrization.word->adapters;
    if (!pair) return std::nullopt;
    Adapters all{weight + "/" + pair->first, weight + "/" + pair->second};
    all.rank = static_cast<std::size_t>(twin_.learner.store().at(all.right).shape()[0]);
    return all;
  }
  void scale(const std::string& tensor, std::size_t axis, std::span<const double> factors) override {
    Numbers& base = twin_.in_.values.at(tensor);
    if (!is_parametrized(tensor)) return along(base, shape_of(tensor), axis, factors);
    const std::vector<std::size_t> order = twin_.rotated_.at(tensor).order();
    const auto columns = static_cast<std::size_t>(shape_of(tensor)[1]);
    for (std::size_t k = 0; k < base.size(); ++k)
      base[k] *= factors[axis == 0 ? order[k] / columns : order[k] % columns];
    if (const auto pair = adapters(tensor)) {
      const std::string& own = axis == 0 ? pair->left : pair->right;
      along(twin_.in_.values.at(own), shape_of(own), axis, factors);
    }
  }
  void transport_moments(const std::string& tensor, std::size_t axis,
                         std::span<const double> factors) override {
    for (ExactChain* chain : targets(tensor, axis)) chain->transport(axis, factors);
  }
  void scale_rates(const std::string& tensor, std::size_t axis, std::span<const double> factors) override {
    for (ExactChain* chain : targets(tensor, axis)) {
      Numbers& own = chain->rated[axis];
      if (own.empty()) own.assign(factors.size(), 1.0);
      for (std::size_t i = 0; i < own.size(); ++i) own[i] *= factors[i];
    }
  }
  void log(EventRow row) override { twin_.rows.push_back(std::move(row)); }

 private:
  static void along(Numbers& values, const core::Shape& shape, std::size_t axis,
                    std::span<const double> factors) {
    ExactChain(shape, {}).scale(values, axis, factors, 1);
  }
  core::Shape shape_of(const std::string& tensor) const {
    const auto own = twin_.rotated_.find(tensor);
    return own != twin_.rotated_.end() ? own->second.shape : twin_.learner.store().at(tensor).shape();
  }
  std::vector<ExactChain*> targets(const std::string& tensor, std::size_t axis) const {
    std::string name = tensor;
    if (is_parametrized(tensor)) {
      const auto pair = adapters(tensor);
      if (!pair) return {};
      name = axis == 0 ? pair->left : pair->right;
    }
    std::vector<ExactChain*> found;
    for (Twin::One& t : twin_.trained_)
      if (t.name == name) found.push_back(&t.chain);
    return found;
  }

  Twin& twin_;
  std::int64_t step_;
  std::vector<std::string> weights_;
  std::map<std::string, std::vector<float>> shown_;
};

inline void Twin::events(std::int64_t step) {
  const auto run = [&](const std::vector<EventWord>& words, std::optional<std::size_t> group) {
    for (const EventWord& event : words) {
      if (!event.due(step)) continue;
      std::vector<std::string> weights;
      for (const std::string& w : learner.weights())
        if (!group || method_.group_of(w) == group) weights.push_back(w);
      TwinScope scope(*this, step, std::move(weights));
      event.word->apply(event.fields, scope);
    }
  };
  for (std::size_t g = 0; g < method_.groups.size(); ++g) run(method_.groups[g].events, g);
  run(method_.events, std::nullopt);
}

}  // namespace isorbit::experiments::testing_support
