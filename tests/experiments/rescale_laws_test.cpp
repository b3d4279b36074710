// What rescaling promises: the same function, transported moments, and before training nothing but other
// learning rates.
#include <gtest/gtest.h>

#include <cmath>

#include "core/random/philox.hpp"
#include "experiments/training/learner.hpp"
#include "experiments/training/learner_scope.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

const core::OpSet& all_ops() {
  static const core::OpSet set(ops::registered());
  return set;
}

core::Model model(const std::string& name, const Json& more = Json::object()) {
  Json constants = {{"batch", 2},  {"seq", 8},   {"vocab", 32}, {"depth", 2},
                    {"width", 32}, {"heads", 4}, {"ffn", 48}};
  constants.update(more);
  return core::read_model(
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/" + name + ".json"),
      all_ops(), {}, constants);
}

/// AdamW without epsilon and clipping, but for `multipliers` of single parameters; `events` beside the
/// groups.
Method method(const Json& events, const std::map<std::string, double>& multipliers = {}) {
  const auto chain = [](double factor) {
    return Json::array({{{"kind", "adam"}, {"epsilon", 0}, {"beta2", 0.95}},
                        {{"kind", "scale"}, {"factor", factor}},
                        {{"kind", "weight_decay"}, {"rate", 0.1}},
                        {{"kind", "learning_rate"}, {"value", 2e-3}}});
  };
  Json groups = Json::array();
  for (const auto& [name, factor] : multipliers)
    groups.push_back({{"parameters", name}, {"update", chain(factor)}});
  groups.push_back({{"parameters", "*"}, {"update", chain(1.0)}});
  return read_method({"method", {{"name", "m"}, {"groups", groups}, {"events", events}}, {}});
}

Json rescale(const Json& more) {
  Json event = {{"kind", "rescale"}, {"pairs", {"qk", "vo"}}};
  event.update(more);
  return Json::array({event});
}

void fill(const core::Model& m, const BatchBuffers& buffers, std::uint64_t step) {
  for (const core::ModelInput& input : m.inputs) {
    const core::Philox random(8, core::stream_of(input.name), step);
    const auto to = std::get<std::span<std::int32_t>>(buffers.at(input.name));
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = static_cast<std::int32_t>(random.below(i, static_cast<std::uint64_t>(input.below)));
  }
}

struct Training {
  core::Model model;
  Method method;
  Learner learner;
  std::vector<EventRow> rows = {};

  Training(core::Model m, Method how)
      : model(std::move(m)), method(std::move(how)), learner(model, method, all_ops(), 5, {2}) {
    fill(model, learner.probe_inputs(), 1000);
  }
  void events(std::int64_t step) {
    run_events(
        learner, step, [] {}, [&](const EventRow& row) { rows.push_back(row); });
  }
  /// Losses of steps first .. last - 1.
  std::vector<double> train(std::int64_t first, std::int64_t last) {
    std::vector<double> losses;
    for (std::int64_t step = first; step < last; ++step) {
      fill(model, learner.train_inputs(), static_cast<std::uint64_t>(step % 4));
      losses.push_back(learner.backward());
      learner.update(step, 1000);
      events(step + 1);
    }
    return losses;
  }
  /// Random biases and norm gains, queries five times as large: nothing is balanced or zero by chance.
  void unbalance() {
    for (const std::string& name : learner.weights()) {
      core::Tensor& tensor = learner.store().at(name);
      if (tensor.shape().rank() == 1)
        core::Philox(6, core::stream_of(name)).fill_uniform(tensor.values(), 0.5, 1.5);
      if (name.find("attn.q.") != std::string::npos)
        for (float& x : tensor.values()) x *= 5;
    }
  }
  [[nodiscard]] std::map<std::string, double> factors() const {
    std::map<std::string, double> all;
    for (const EventRow& row : rows) all[row.parameter] = row.factor;
    return all;
  }
};

std::map<std::string, double> inverse(std::map<std::string, double> factors) {
  for (auto& [name, factor] : factors) factor = 1 / factor;
  return factors;
}

double l1(const core::Tensor& tensor) {
  double sum = 0;
  for (const float x : tensor.values()) sum += std::abs(x);
  return sum;
}

double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

struct Kind {
  std::string name;
  Json constants;
};
const std::vector<Kind> kKinds = {
    {"llama", {{"kv_heads", 2}}}, {"llama", {{"kv_heads", 4}}}, {"gpt2", Json::object()}};

TEST(Rescale, FactorsThatArePowersOfTwoKeepEveryBitOfTheLogits) {
  for (const Kind& kind : kKinds) {
    Training run(model(kind.name, kind.constants), method(rescale({{"at", {0}}, {"power_of_two", true}})));
    run.unbalance();
    const std::vector<float> before = run.learner.logits();
    run.events(0);
    EXPECT_EQ(run.learner.logits(), before) << kind.name;
    ASSERT_EQ(run.rows.size(), 8U) << kind.name;
    for (const EventRow& row : run.rows) EXPECT_EQ(row.defect, 0.0);
    EXPECT_NE(run.factors().at("layers.1.attn.q.weight"), 1.0);
  }
}

TEST(Rescale, OtherFactorsKeepTheLogitsAndMakeTheNormsEqual) {
  for (const Kind& kind : kKinds) {
    Training run(model(kind.name, kind.constants), method(rescale({{"at", {0}}})));
    run.unbalance();
    const std::vector<float> before = run.learner.logits();
    run.events(0);
    const std::vector<float> after = run.learner.logits();
    float largest = 0, most = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      largest = std::max(largest, std::abs(before[i]));
      most = std::max(most, std::abs(after[i] - before[i]));
    }
    EXPECT_LE(most, 1e-5F * largest) << kind.name;
    EXPECT_GT(largest, 0.0F);
    const auto norm = [&](const std::string& name) { return l1(run.learner.store().at(name)); };
    for (const std::string layer : {"layers.0.attn.", "layers.1.attn."}) {
      EXPECT_NEAR(norm(layer + "q.weight") / norm(layer + "k.weight"), 1.0, 1e-6) << kind.name;
      EXPECT_NEAR(norm(layer + "v.weight") / norm(layer + "o.weight"), 1.0, 1e-6) << kind.name;
    }
    for (const EventRow& row : run.rows) {
      EXPECT_EQ(row.kind, "rescale");
      EXPECT_EQ(row.bound, 1e-4);
      EXPECT_LE(row.defect, 1e-5);
    }
  }
}

TEST(Rescale, APairThatIsNoSymmetryFailsAndIsNamedWithItsLayer) {
  core::Model wrong = model("llama", {{"kv_heads", 2}});
  wrong.pairs.push_back({"qv", "layers.1.attn.q", "layers.1.attn.v"});
  Training run(wrong, method(rescale({{"at", {0}}, {"pairs", {"qk", "qv", "vo"}}})));
  run.unbalance();
  try {
    run.events(0);
    FAIL() << "not caught";
  } catch (const std::runtime_error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("\"qv\""), std::string::npos) << what;
    EXPECT_NE(what.find("\"layers.1.attn.q.weight\""), std::string::npos) << what;
    EXPECT_EQ(what.find("layers.0"), std::string::npos) << what;
  }
  EXPECT_TRUE(run.rows.empty());
}

TEST(Rescale, PairsWithoutANormAreSkippedAndLogged) {
  Training run(model("llama"), method(rescale({{"at", {0}}})));
  run.unbalance();
  for (float& x : run.learner.store().at("layers.0.attn.k.weight").values()) x = 0;
  const float kept = run.learner.store().at("layers.0.attn.q.weight").values()[0];
  run.events(0);
  std::vector<std::string> skipped;
  for (const EventRow& row : run.rows)
    if (row.kind == "rescale_skipped") skipped.push_back(row.parameter);
  EXPECT_EQ(skipped, (std::vector<std::string>{"layers.0.attn.q.weight", "layers.0.attn.k.weight"}));
  EXPECT_EQ(run.rows.size(), 8U);
  EXPECT_EQ(run.learner.store().at("layers.0.attn.q.weight").values()[0], kept);
}

TEST(Rescale, OnlyThePairsOfItsOwnGroupAreScaled) {
  Method in_group = method(Json::array());
  Json root = in_group.resolved;
  Json first = root["groups"][0];
  first["parameters"] = "layers.1.*";
  first["events"] = rescale({{"at", {0}}});
  root["groups"].insert(root["groups"].begin(), first);
  Training run(model("llama"), read_method({"method", root, {}}));
  run.unbalance();
  run.events(0);
  ASSERT_EQ(run.rows.size(), 4U);
  for (const EventRow& row : run.rows) EXPECT_TRUE(row.parameter.starts_with("layers.1.")) << row.parameter;
}

/// Law 5. Powers of two: to the last bit. Others: to rounding, which training amplifies.
TEST(RescaleLaws, BeforeTrainingItIsAMultiplierOfEachTensorsLearningRate) {
  for (const bool power_of_two : {true, false}) {
    for (const Kind& kind : {Kind{"llama", {{"kv_heads", 1}}}, Kind{"llama", {{"kv_heads", 2}}}}) {
      Training rescaled(model(kind.name, kind.constants),
                        method(rescale({{"at", {0}}, {"power_of_two", power_of_two}})));
      rescaled.events(0);
      ASSERT_LT(rescaled.factors().at("layers.0.attn.q.weight"), 0.8);
      Training multiplied(model(kind.name, kind.constants),
                          method(Json::array(), inverse(rescaled.factors())));
      Training plain(model(kind.name, kind.constants), method(Json::array()));
      const std::vector<double> a = rescaled.train(0, 200), b = multiplied.train(0, 200),
                                c = plain.train(0, 200);
      EXPECT_LE(worst_difference(a, b), power_of_two ? 0.0 : 2e-4) << kind.constants;
      EXPECT_GT(worst_difference(a, c), 1e-2) << "the multipliers make no difference: " << kind.constants;
      EXPECT_LT(a.back(), 0.7 * a.front()) << "nothing was learned";
    }
  }
}

void copy_state(Learner& from, Learner& to) {
  for (std::size_t i = 0; i < from.trained().size(); ++i) {
    Trained &a = from.trained()[i], &b = to.trained()[i];
    ASSERT_EQ(a.name, b.name);
    std::ranges::copy(a.tensor->values(), b.tensor->values().begin());
    for (std::size_t m = 0; m < a.moments.size(); ++m)
      std::ranges::copy(a.moments[m].values(), b.moments[m].values().begin());
    b.age = a.age;
  }
}

/// Law 6, with the same for moments that are kept, which must show.
TEST(RescaleLaws, AMidRunRescaleWithTransportContinuesAsMultipliersWould) {
  constexpr std::int64_t kWhen = 40;
  for (const Kind& kind : {Kind{"llama", {{"kv_heads", 1}}}, Kind{"gpt2", Json::object()}}) {
    for (const char* moments : {"transport", "keep", "reset"}) {
      for (const bool power_of_two : {true, false}) {
        const Json event = {{"at", {kWhen}}, {"moments", moments}, {"power_of_two", power_of_two}};
        Training rescaled(model(kind.name, kind.constants), method(rescale(event)));
        Training before(model(kind.name, kind.constants), method(Json::array()));
        for (Training* run : {&rescaled, &before}) run->unbalance();
        rescaled.train(0, kWhen);
        before.train(0, kWhen);
        std::map<std::string, double> factors = rescaled.factors();
        for (const char* bias : {"q", "k", "v"}) {
          for (const char* layer : {"layers.0.attn.", "layers.1.attn."})
            if (kind.name == "gpt2")
              factors[std::string(layer) + bias + ".bias"] =
                  factors.at(std::string(layer) + bias + ".weight");
        }
        Training multiplied(model(kind.name, kind.constants), method(Json::array(), inverse(factors)));
        copy_state(before.learner, multiplied.learner);
        // Factors that round perturb the weights in their last bit, and training in single precision doubles
        // a perturbation every few steps: such runs are compared for 40 steps, exact ones for 80.
        const std::int64_t end = kWhen + (power_of_two ? 80 : 40);
        const double worst = worst_difference(rescaled.train(kWhen, end), multiplied.train(kWhen, end));
        if (std::string(moments) == "transport") {
          EXPECT_LE(worst, power_of_two ? 0.0 : 1e-4) << kind.name;
        } else {
          EXPECT_GT(worst, 1e-3) << kind.name << " " << moments;
        }
      }
    }
  }
}

TEST(RescaleLaws, AParametrizedWeightIsScaledInItsBaseAndKeepsItsMoments) {
  Json root = method(rescale({{"at", {20}}, {"power_of_two", true}})).resolved;
  Json poet = root["groups"][0];
  poet["parameters"] = "layers.*.attn.*.weight";
  poet["parametrization"] = {{"kind", "poet"}, {"block_size", 8}, {"init", "model"}};
  root["groups"].insert(root["groups"].begin(), poet);
  Json quiet = root;
  quiet["events"] = Json::array();
  Training rescaled(model("llama", {{"kv_heads", 1}}), read_method({"method", root, {}}));
  Training plain(model("llama", {{"kv_heads", 1}}), read_method({"method", quiet, {}}));
  EXPECT_EQ(rescaled.train(0, 60), plain.train(0, 60));
  EXPECT_EQ(rescaled.rows.size(), 8U);
}

TEST(MergeLaws, AMergeInTrainingKeepsEveryBitOfTheLogitsAndLogsItsDefect) {
  for (const char* sampling : {"block", "full"}) {
    Json root = method(Json::array()).resolved;
    Json poet = root["groups"][0];
    poet["parameters"] = "layers.*.{attn,mlp}.*.weight";
    poet["parametrization"] = {{"kind", "poet"}, {"sampling", sampling}, {"neumann_terms", 2}};
    if (std::string(sampling) == "block") poet["parametrization"]["block_size"] = 8;
    poet["events"] = Json::array({{{"kind", "merge"}, {"at", {30, 31}}}});
    root["groups"].insert(root["groups"].begin(), poet);
    Training run(model("llama"), read_method({"method", root, {}}));
    run.train(0, 29);
    fill(run.model, run.learner.train_inputs(), 1);
    run.learner.backward();
    run.learner.update(29, 1000);
    const std::vector<float> before = run.learner.logits();
    run.events(30);
    EXPECT_EQ(run.learner.logits(), before) << sampling;
    ASSERT_EQ(run.rows.size(), 14U);
    for (const EventRow& row : run.rows) {
      EXPECT_GT(row.defect, 0.0) << row.parameter;
      EXPECT_LE(row.defect, row.bound) << row.parameter;
      EXPECT_TRUE(std::isnan(row.factor));
    }
    for (const Trained& t : run.learner.trained()) {
      if (t.name != t.weight) {
        EXPECT_EQ(t.age, 0) << t.name;
      }
    }
    run.events(31);
    EXPECT_EQ(run.learner.logits(), before) << sampling;
    for (std::size_t i = 14; i < 28; ++i) EXPECT_EQ(run.rows.at(i).defect, 0.0) << run.rows.at(i).parameter;
  }
}

}  // namespace
}  // namespace isorbit::experiments
