#include "experiments/training/learner_scope.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "experiments/training/pairs.hpp"

namespace isorbit::experiments {

namespace {

class LearnerScope final : public EventScope {
 public:
  LearnerScope(Learner& learner, std::int64_t step, std::vector<std::string> weights,
               const std::function<void()>& probe, const std::function<void(const EventRow&)>& log)
      : learner_(learner), step_(step), weights_(std::move(weights)), probe_(probe), log_(log) {}

  std::int64_t step() const override { return step_; }
  std::span<const std::string> weights() const override { return weights_; }
  bool is_parametrized(const std::string& weight) const override {
    return learner_.find_parametrized(weight) != nullptr;
  }
  core::Tensor& base(const std::string& weight) override {
    // The caller may write: what is remembered of the base no longer holds.
    if (Parametrized* p = learner_.find_parametrized(weight)) p->singular_values.clear();
    return learner_.store().at(weight);
  }

  std::vector<Merged> merge(std::span<const std::string> weights) override {
    std::vector<Merged> merged;
    for (const Learner::Drift& d : learner_.merge(weights)) merged.push_back({d.defect, d.bound});
    return merged;
  }

  std::optional<std::pair<std::string, std::string>> adapters(const std::string& weight) const override {
    const Parametrized* p = learner_.find_parametrized(weight);
    if (p == nullptr || !p->group->parametrization.word->adapters) return std::nullopt;
    const auto& [left, right] = *p->group->parametrization.word->adapters;
    return std::pair(weight + "/" + left, weight + "/" + right);
  }

  void reset_moments(const std::string& weight) override {
    for (Trained& t : learner_.trained()) {
      if (t.weight != weight) continue;
      for (core::Tensor& moment : t.moments) std::ranges::fill(moment.values(), 0.0f);
      t.age = 0;
    }
  }

  void transport_moments(const std::string& tensor, double factor) override {
    for (Trained& t : learner_.trained()) {
      if (t.name != tensor) continue;
      for (std::size_t m = 0; m < t.moments.size(); ++m) {
        const auto scale = static_cast<float>(std::pow(factor, t.powers[m]));
        for (float& x : t.moments[m].values()) x *= scale;
      }
    }
  }

  std::vector<float> logits() override {
    probe_();
    return learner_.logits();
  }

  std::vector<Pair> pairs(const std::string& name) const override {
    for (const core::ScalingPair& pair : learner_.model().pairs) {
      if (pair.name == name) return resolve_pair(learner_.model().graph, pair);
    }
    throw std::invalid_argument("the model declares no pair \"" + name + "\"");
  }

  void log(EventRow row) override { log_(row); }

 private:
  Learner& learner_;
  std::int64_t step_;
  std::vector<std::string> weights_;
  const std::function<void()>& probe_;
  const std::function<void(const EventRow&)>& log_;
};

}  // namespace

void run_events(Learner& learner, std::int64_t step, const std::function<void()>& probe,
                const std::function<void(const EventRow&)>& log) {
  const Method& method = learner.method();
  const auto run = [&](const std::vector<EventWord>& events, const auto& belongs) {
    for (const EventWord& event : events) {
      if (!event.due(step)) continue;
      std::vector<std::string> weights;
      for (const std::string& w : learner.weights()) {
        if (belongs(w)) weights.push_back(w);
      }
      LearnerScope scope(learner, step, std::move(weights), probe, log);
      event.word->apply(event.fields, scope);
    }
  };
  for (std::size_t g = 0; g < method.groups.size(); ++g) {
    run(method.groups[g].events, [&](const std::string& w) { return method.group_of(w) == g; });
  }
  run(method.events, [](const std::string&) { return true; });
}

}  // namespace isorbit::experiments
