#include "experiments/training/learner_scope.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "experiments/training/rates.hpp"

namespace isorbit::experiments {

namespace {

bool is_uniform(std::span<const double> factors) {
  return std::ranges::all_of(factors, [&](double f) { return f == factors.front(); });
}

class LearnerScope final : public EventScope {
 public:
  LearnerScope(Learner& learner, std::int64_t step, std::vector<std::string> weights,
               const std::function<void()>& probe, const std::function<void(const EventRow&)>& log)
      : learner_(learner), step_(step), weights_(std::move(weights)), probe_(probe), log_(log) {}

  std::int64_t step() const override { return step_; }
  std::uint64_t seed() const override { return learner_.seed(); }
  std::span<const std::string> weights() const override { return weights_; }
  bool is_parametrized(const std::string& weight) const override {
    return learner_.find_parametrized(weight) != nullptr;
  }

  std::vector<Merged> merge(std::span<const std::string> weights) override {
    std::vector<Merged> merged;
    for (const Learner::Drift& d : learner_.merge(weights))
      merged.push_back({d.defect, d.bound, d.rounding_defect, d.rounding_bound});
    realized_.clear();
    return merged;
  }

  void reset_moments(const std::string& weight) override {
    for (Trained& t : learner_.trained()) {
      if (t.weight != weight && t.name != weight) continue;
      for (core::Tensor& moment : t.moments) std::ranges::fill(moment.values(), 0.0f);
      t.age = 0;
    }
  }

  std::vector<float> logits() override {
    probe_();
    return learner_.logits();
  }

  const std::vector<core::ScalingFamily>& families() const override { return learner_.symmetries().families; }

  std::span<const float> weight(const std::string& tensor) override {
    const auto known = realized_.find(tensor);
    if (known != realized_.end()) return known->second;
    const bool parametrized = is_parametrized(tensor);
    if (parametrized && realized_.empty()) learner_.realize();
    const std::span<const float> now = learner_.realized(tensor);
    std::vector<Target> rated;
    for (const std::size_t axis : {0, 1})
      for (const Target& target : targets(tensor, axis))
        if (!factors(target).empty()) rated.push_back(target);
    if (!parametrized && rated.empty()) return now;
    std::vector<float>& copy = realized_[tensor] = {now.begin(), now.end()};
    for (const Target& target : rated) {
      const std::vector<float>& s = factors(target);
      scale_along(copy, shape_of(tensor), target.axis, std::vector<double>(s.begin(), s.end()));
    }
    return copy;
  }

  std::optional<Adapters> adapters(const std::string& weight) const override {
    const Parametrized* p = learner_.find_parametrized(weight);
    if (p == nullptr || !p->group->parametrization.word->adapters) return std::nullopt;
    const auto& [left, right] = *p->group->parametrization.word->adapters;
    Adapters all{weight + "/" + left, weight + "/" + right};
    all.rank = static_cast<std::size_t>(learner_.store().at(all.right).shape()[0]);
    return all;
  }

  bool takes_single_factors(const std::string& tensor) const override {
    const Parametrized* p = learner_.find_parametrized(tensor);
    return p == nullptr || p->updates == 0 || adapters(tensor);
  }

  void scale(const std::string& tensor, std::size_t axis, std::span<const double> factors) override {
    if (!takes_single_factors(tensor) && !is_uniform(factors))
      throw std::logic_error("rows and columns of \"" + tensor +
                             "\" take factors of their own after a merge");
    if (const auto known = realized_.find(tensor); known != realized_.end())
      scale_along(known->second, shape_of(tensor), axis, factors);
    Parametrized* p = learner_.find_parametrized(tensor);
    if (p == nullptr) {
      const core::Tensor& stored = learner_.store().at(tensor);
      scale_along(stored.values(), stored.shape(), axis, factors);
      forget_owner(tensor);
      return;
    }
    p->singular_values.clear();
    const Word<Parametrization>& word = p->group->parametrization;
    if (is_uniform(factors) && word.word->multiply) {
      word.word->multiply(word.fields, factors.front(), *p->base, p->coordinates);
    } else if (is_uniform(factors) && p->base->type().dtype == core::DType::f32) {
      for (float& x : p->base->values()) x = static_cast<float>(x * factors.front());
    } else {
      std::vector<float> weight = p->load();
      scale_along(weight, p->shape, axis, factors);
      p->store(weight);
    }
    for (const Target& adapter : targets(tensor, axis))
      scale_along(adapter.trained->tensor->values(), adapter.trained->tensor->shape(), axis, factors);
  }

  void transport_moments(const std::string& tensor, std::size_t axis,
                         std::span<const double> factors) override {
    for (const Target& target : targets(tensor, axis)) {
      Trained& t = *target.trained;
      for (std::size_t m = 0; m < t.moments.size(); ++m) {
        if (t.powers[m] == 0) continue;
        std::vector<double> powers;
        for (const double factor : factors) powers.push_back(std::pow(factor, t.powers[m]));
        if (t.moments[m].shape() == t.tensor->shape()) {
          scale_along(t.moments[m].values(), t.tensor->shape(), axis, powers);
        } else if (is_uniform(factors)) {
          for (float& x : t.moments[m].values()) x = static_cast<float>(x * powers.front());
        } else {
          throw std::runtime_error("the moment \"" + t.moment_names[m] + "\" of \"" + t.name +
                                   "\" is not of its shape and follows no factors of single rows or columns");
        }
      }
    }
  }

  void scale_rates(const std::string& tensor, std::size_t axis, std::span<const double> factors) override {
    const std::vector<Target> all = targets(tensor, axis);
    if (all.empty()) throw std::logic_error("\"" + tensor + "\" has no rate that could stand for a factor");
    for (const Target& target : all) {
      Trained& t = *target.trained;
      t.rates.scale(t.tensor->shape(), axis, factors, rate_rule(t.group->update).exponent);
    }
    realized_.erase(tensor);
  }

  void log(EventRow row) override { log_(row); }

 private:
  struct Target {
    Trained* trained;
    std::size_t axis;
  };

  /// What is trained of a tensor and takes the factors of an axis: itself, or one of its adapters.
  std::vector<Target> targets(const std::string& tensor, std::size_t axis) const {
    std::string name = tensor;
    if (is_parametrized(tensor)) {
      const auto pair = adapters(tensor);
      if (!pair) return {};
      name = axis == 0 ? pair->left : pair->right;
    }
    std::vector<Target> found;
    for (Trained& t : learner_.trained())
      if (t.name == name) found.push_back({&t, axis});
    return found;
  }
  static const std::vector<float>& factors(const Target& target) {
    return target.axis == 0 ? target.trained->rates.rows : target.trained->rates.columns;
  }

  core::Shape shape_of(const std::string& tensor) const {
    const Parametrized* p = learner_.find_parametrized(tensor);
    return p != nullptr ? p->shape : learner_.store().at(tensor).shape();
  }

  /// A coordinate has changed, and with it the weight it belongs to.
  void forget_owner(const std::string& tensor) {
    const auto slash = tensor.rfind('/');
    if (slash != std::string::npos) realized_.clear();
  }

  Learner& learner_;
  std::int64_t step_;
  std::vector<std::string> weights_;
  const std::function<void()>& probe_;
  const std::function<void(const EventRow&)>& log_;
  std::map<std::string, std::vector<float>> realized_;  // copies of what weight() has given
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
