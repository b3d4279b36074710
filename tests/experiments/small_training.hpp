// A small model in training under a method with events, for tests.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/random/philox.hpp"
#include "experiments/training/learner.hpp"
#include "experiments/training/learner_scope.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments::testing_support {

using core::Json;

inline const core::OpSet& every_op() {
  static const core::OpSet set(ops::registered());
  return set;
}

inline core::Model small_model(const std::string& name, const Json& more = Json::object()) {
  Json constants = {{"batch", 2},  {"seq", 8},   {"vocab", 32}, {"depth", 2},
                    {"width", 32}, {"heads", 4}, {"ffn", 48}};
  constants.update(more);
  return core::read_model(
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/" + name + ".json"),
      every_op(), {}, constants);
}

/// Models of every kind of attention, with the pairs that no two of share a weight's axis.
struct Kind {
  std::string name;
  Json constants, pairs;
};
inline const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {{"llama", {{"kv_heads", 2}}, {"q-k", "v-o", "up-down"}},
                                        {"llama", {{"kv_heads", 4}}, {"q-k", "v-o", "up-down"}},
                                        {"gpt2", Json::object(), {"q-k", "v-o"}},
                                        {"llama_qknorm", {{"kv_heads", 2}}, {"qn-kn", "v-o", "up-down"}}};
  return all;
}

/// Every granularity that all of a model's pairs have, with their fields for the event.
inline std::vector<Json> granularities_of(const Kind& kind) {
  std::vector<Json> all = {{{"granularity", "tensor"}, {"pairs", kind.pairs}},
                           {{"granularity", "channel"}, {"pairs", kind.pairs}}};
  Json with_heads = Json::array();
  for (const Json& pair : kind.pairs)
    if (pair == "q-k" || pair == "v-o") with_heads.push_back(pair);
  all.push_back({{"granularity", "kv_group"}, {"pairs", with_heads}});
  return all;
}

inline Json with(Json fields, const Json& more) {
  fields.update(more);
  return fields;
}

/// AdamW without epsilon and clipping.
inline Json adamw(double factor = 1.0) {
  return Json::array({{{"kind", "adam"}, {"epsilon", 0}, {"beta2", 0.95}},
                      {{"kind", "scale"}, {"factor", factor}},
                      {{"kind", "weight_decay"}, {"rate", 0.1}},
                      {{"kind", "learning_rate"}, {"value", 2e-3}}});
}

/// One update for everything, but for `others` by the pattern of their parameters; events beside the groups.
inline Method method(const Json& events, const Json& update = adamw(),
                     const std::map<std::string, Json>& others = {}) {
  Json groups = Json::array();
  for (const auto& [parameters, own] : others)
    groups.push_back({{"parameters", parameters}, {"update", own}});
  groups.push_back({{"parameters", "*"}, {"update", update}});
  return read_method({"method", {{"name", "m"}, {"groups", groups}, {"events", events}}, {}});
}

inline Json rescale(const Json& more) {
  Json event = {{"kind", "rescale"}, {"pairs", {"q-k", "v-o"}}};
  event.update(more);
  return Json::array({event});
}

/// What an input of indices holds at a step.
inline std::vector<std::int32_t> drawn(const core::ModelInput& input, std::uint64_t step) {
  const core::Philox random(8, core::stream_of(input.name), step);
  std::vector<std::int32_t> all(static_cast<std::size_t>(input.type.shape.elements()));
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::int32_t>(random.below(i, static_cast<std::uint64_t>(input.below)));
  return all;
}

/// The batches that are trained on, over and over, and the probe's.
constexpr std::int64_t kBatches = 4;
constexpr std::uint64_t kProbe = 1000;
constexpr std::int64_t kSteps = 1000;  // of the whole run, for schedules

inline void fill(const core::Model& m, const BatchBuffers& buffers, std::uint64_t step) {
  for (const core::ModelInput& input : m.inputs)
    std::ranges::copy(drawn(input, step), std::get<std::span<std::int32_t>>(buffers.at(input.name)).begin());
}

struct Training {
  core::Model model;
  Method method;
  Learner learner;
  std::vector<EventRow> rows = {};

  Training(core::Model m, Method how)
      : model(std::move(m)), method(std::move(how)), learner(model, method, every_op(), 5, {2}) {
    fill(model, learner.probe_inputs(), kProbe);
  }
  void events(std::int64_t step) {
    run_events(
        learner, step, [] {}, [&](const EventRow& row) { rows.push_back(row); });
  }
  /// Losses of steps first .. last - 1.
  std::vector<double> train(std::int64_t first, std::int64_t last) {
    std::vector<double> losses;
    for (std::int64_t step = first; step < last; ++step) {
      losses.push_back(train_without_events(step));
      events(step + 1);
    }
    return losses;
  }
  /// The loss of one step, whose events do not happen.
  double train_without_events(std::int64_t step) {
    fill(model, learner.train_inputs(), static_cast<std::uint64_t>(step % kBatches));
    const double loss = learner.backward();
    learner.update(step, kSteps);
    return loss;
  }
  /// Trains from the start until the events of `step` are due, and returns the logits before them.
  std::vector<float> train_until_events_of(std::int64_t step) {
    train(0, step - 1);
    (void)train_without_events(step - 1);
    return learner.logits();
  }
  /// Random biases and norm gains, rows of queries up to seven times as large as those of keys: nothing is
  /// balanced or zero by chance.
  void unbalance() {
    for (const std::string& name : learner.weights()) {
      core::Tensor& tensor = learner.store().at(name);
      const core::Philox random(6, core::stream_of(name));
      if (tensor.shape().rank() == 1) random.fill_uniform(tensor.values(), 0.5, 1.5);
      if (name.find("attn.q") == std::string::npos) continue;
      const auto width = static_cast<std::size_t>(tensor.shape().elements() / tensor.shape()[0]);
      for (std::size_t i = 0; i < tensor.values().size(); ++i)
        tensor.values()[i] *= static_cast<float>(3 + 4 * random.uniform(i / width));
    }
  }
  [[nodiscard]] std::vector<float> values(const std::string& tensor) {
    const std::span<float> all = learner.store().at(tensor).values();
    return {all.begin(), all.end()};
  }
  [[nodiscard]] std::vector<float> realized(const std::string& weight) {
    learner.realize();
    const std::span<const float> all = learner.realized(weight);
    return {all.begin(), all.end()};
  }
  [[nodiscard]] std::map<std::string, double> factors() const {
    std::map<std::string, double> all;
    for (const EventRow& row : rows) all[row.parameter] = row.factor;
    return all;
  }
};

/// The largest difference, relative to the largest of the first.
inline double relative(const std::vector<float>& before, const std::vector<float>& after) {
  double largest = 0, most = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(before[i])));
    most = std::max(most, std::abs(static_cast<double>(after[i]) - before[i]));
  }
  return most / largest;
}

inline double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace isorbit::experiments::testing_support
