// LoRA: what it moves, its two forms, its merges, its balance, and weights that a method leaves as they are.
#include <gtest/gtest.h>

#include <cmath>

#include "core/linalg/linalg.hpp"
#include "experiments/training/learner.hpp"
#include "experiments/training/learner_scope.hpp"
#include "experiments/training/realizations.hpp"
#include "parametrized_weight.hpp"

namespace isorbit::experiments {
namespace {

using core::Builder;
using core::Json;
using core::Shape;
using core::ValueId;
using testing_support::ParametrizedWeight;

const Json kAdam = Json::array(
    {{{"kind", "adam"}, {"epsilon", 0}, {"beta2", 0.95}}, {{"kind", "learning_rate"}, {"value", 5e-3}}});

core::Model llama() {
  return core::read_model(
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/llama.json"),
      testing_support::all_ops(), {},
      {{"batch", 2},
       {"seq", 8},
       {"vocab", 32},
       {"depth", 2},
       {"width", 32},
       {"heads", 4},
       {"kv_heads", 2},
       {"ffn", 48}});
}

/// LoRA on the layers' matrices and `rest` on the others.
Method lora(const Json& more, const Json& events, const Json& rest = Json::array()) {
  Json fields = {{"kind", "lora"}, {"rank", 3}, {"alpha", 6}};
  fields.update(more);
  const Json groups = {{{"parameters", "layers.*.{attn,mlp}.*.weight"},
                        {"parametrization", fields},
                        {"update", kAdam},
                        {"events", events}},
                       {{"parameters", "*"}, {"update", rest}}};
  return read_method({"method", {{"name", "lora"}, {"groups", groups}}, {}});
}

struct Training {
  core::Model model = llama();
  Method method;
  Learner learner;
  std::vector<EventRow> rows = {};

  explicit Training(Method how)
      : method(std::move(how)), learner(model, method, testing_support::all_ops(), 5, {2}) {
    fill(learner.probe_inputs(), 1000);
  }
  void fill(const BatchBuffers& buffers, std::uint64_t step) const {
    for (const core::ModelInput& input : model.inputs) {
      const core::Philox random(8, core::stream_of(input.name), step);
      const auto to = std::get<std::span<std::int32_t>>(buffers.at(input.name));
      for (std::size_t i = 0; i < to.size(); ++i)
        to[i] = static_cast<std::int32_t>(random.below(i, static_cast<std::uint64_t>(input.below)));
    }
  }
  void events(std::int64_t step) {
    run_events(
        learner, step, [] {}, [&](const EventRow& row) { rows.push_back(row); });
  }
  std::vector<double> train(std::int64_t first, std::int64_t last) {
    std::vector<double> losses;
    for (std::int64_t step = first; step < last; ++step) {
      fill(learner.train_inputs(), static_cast<std::uint64_t>(step % 4));
      losses.push_back(learner.backward());
      learner.update(step, 1000);
      events(step + 1);
    }
    return losses;
  }
  std::vector<float> realized(const std::string& weight) {
    learner.realize();
    const auto values = learner.realized(weight);
    return {values.begin(), values.end()};
  }
  std::vector<float> stored(const std::string& tensor) {
    const auto values = learner.store().at(tensor).values();
    return {values.begin(), values.end()};
  }
};

/// How many singular values of a - b [rows, cols] are more than rounding.
std::size_t rank_of_difference(const std::vector<float>& a, const std::vector<float>& b, std::size_t rows,
                               std::size_t cols) {
  std::vector<double> d(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) d[i] = static_cast<double>(a[i]) - b[i];
  std::size_t rank = 0;
  for (const double s : core::singular_values(std::span<const double>(d), rows, cols)) rank += s > 1e-5;
  return rank;
}

/// Law 7.
TEST(Lora, MovesAWeightByItsRankAndEveryMergeByAsMuchAgain) {
  Training run(lora(Json::object(), {{{"kind", "merge"}, {"at", {20}}}}));
  const std::string q = "layers.1.attn.q.weight";
  const std::vector<float> start = run.stored(q);
  EXPECT_EQ(run.realized(q), start);
  const std::vector<double> losses = run.train(0, 19);
  EXPECT_LT(losses.back(), losses.front());
  EXPECT_EQ(run.stored(q), start) << "the base is fixed";
  EXPECT_EQ(rank_of_difference(run.realized(q), start, 32, 32), 3U);
  run.train(19, 20);
  const std::vector<float> merged = run.stored(q);
  EXPECT_EQ(run.realized(q), merged) << "a merge starts at the merged weight, bit for bit";
  EXPECT_EQ(rank_of_difference(merged, start, 32, 32), 3U);
  run.train(20, 40);
  EXPECT_EQ(rank_of_difference(run.realized(q), start, 32, 32), 6U);
}

TEST(Lora, AMergeKeepsTheLogitsZeroesTheMomentsAndDrawsAnew) {
  Training run(lora(Json::object(), {{{"kind", "merge"}, {"at", {10}}}}));
  run.train(0, 9);
  run.fill(run.learner.train_inputs(), 1);
  run.learner.backward();
  run.learner.update(9, 1000);
  const std::vector<float> before = run.learner.logits(), a = run.stored("layers.0.mlp.up.weight/a");
  run.events(10);
  EXPECT_EQ(run.learner.logits(), before);
  EXPECT_NE(run.stored("layers.0.mlp.up.weight/a"), a);
  for (const float x : run.stored("layers.0.mlp.up.weight/b")) ASSERT_EQ(x, 0.0F);
  for (const Trained& t : run.learner.trained()) {
    EXPECT_EQ(t.age, 0);
    for (const core::Tensor& moment : t.moments)
      for (const float x : moment.values()) ASSERT_EQ(x, 0.0F);
  }
  ASSERT_EQ(run.rows.size(), 14U);
  for (const EventRow& row : run.rows) {
    EXPECT_GT(row.defect, 0.0) << "how far the interval has moved singular values";
    EXPECT_TRUE(std::isnan(row.bound)) << "which LoRA does not keep";
  }
}

TEST(Lora, WeightsWithoutUpdatesStayAsTheyAreAndKeepNoMoments) {
  Training run(lora(Json::object(), Json::array()));
  const std::vector<float> embed = run.stored("embed.weight"), norm = run.stored("norm.weight");
  run.train(0, 5);
  EXPECT_EQ(run.stored("embed.weight"), embed);
  EXPECT_EQ(run.stored("norm.weight"), norm);
  for (const Trained& t : run.learner.trained()) EXPECT_NE(t.name, t.weight);
  EXPECT_EQ(run.learner.learning_rates(0, 10), (std::vector<double>{5e-3, 0.0}));
}

/// loss = sum (x W^T - target)^2 with x [rows, in] trained.
core::Graph layer(const ParametrizedWeight& weight, std::int64_t rows, bool input_side) {
  core::Graph graph;
  Builder b(graph, testing_support::all_ops());
  const ValueId x = graph.add_parameter("x", {{rows, weight.shape[1]}}, true, Json::object());
  const ValueId target = graph.add_input("target", {{rows, weight.shape[0]}});
  const ValueId base = graph.add_parameter("w", {weight.shape}, false, Json::object());
  std::vector<ValueId> coordinates;
  for (const Coordinate& c : weight.described)
    coordinates.push_back(graph.add_parameter("w/" + c.name, c.type, c.trainable, Json::object()));
  const ValueId y = input_side ? weight.word.apply(b, weight.fields, base, coordinates, x)
                               : b.op("matmul", {x, weight.word.realize(b, weight.fields, base, coordinates)},
                                      {{"transpose_b", true}});
  const ValueId d = b.op("subtract", {y, target});
  graph.outputs.push_back({"loss", b.op("sum", {b.op("mul", {d, d})}, {{"axes", {0, 1}}})});
  return core::expand_all(core::differentiate(graph, testing_support::all_ops()), testing_support::all_ops());
}

/// Law 3.
TEST(LoraForms, AgreeInLossAndEveryGradientInDouble) {
  const Json fields =
      testing_support::fields_of(testing_support::parametrization("lora"), {{"rank", 3}, {"alpha", 7}});
  ParametrizedWeight weight("lora", fields, {12, 8});
  weight.randomize(0.5);
  core::ReferenceInputs inputs = weight.inputs();
  for (std::uint64_t i = 0; i < 48; ++i) inputs.values["x"].push_back(core::Philox(1, 1).normal(i));
  for (std::uint64_t i = 0; i < 72; ++i) inputs.values["target"].push_back(core::Philox(1, 2).normal(i));
  const auto one = core::evaluate(layer(weight, 6, false), inputs),
             other = core::evaluate(layer(weight, 6, true), inputs);
  for (const char* name : {"loss", "gradient/x", "gradient/w/a", "gradient/w/b"}) {
    ASSERT_EQ(one.at(name).size(), other.at(name).size());
    for (std::size_t i = 0; i < one.at(name).size(); ++i)
      ASSERT_NEAR(one.at(name)[i], other.at(name)[i], 1e-10) << name;
  }
}

TEST(LoraForms, TrainToTheSameLossesByTheKernels) {
  Training weight_side(lora({{"form", "weight"}}, Json::array(), kAdam)),
      input_side(lora({{"form", "input"}}, Json::array(), kAdam));
  const std::vector<double> a = weight_side.train(0, 20), b = input_side.train(0, 20);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(b[i], a[i], 1e-4 * a[i]) << i;
  EXPECT_LT(a.back(), 0.9 * a.front());
}

/// Without a gradient of the weight a layer costs a third less; where there are as many tokens as usual.
TEST(LoraForms, TheInputSideIsTakenWhereRanksAreSmall) {
  const core::Model model = core::read_model(
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/llama.json"),
      testing_support::all_ops(), "small");
  const Realizations chosen =
      realizations(lora({{"rank", 8}}, Json::array()), model, testing_support::all_ops(), core::DType::f32);
  ASSERT_EQ(chosen.forms.size(), 56U);
  for (const FormChoice& c : chosen.forms) {
    EXPECT_EQ(c.form, "input") << c.weight;
    EXPECT_LT(c.input_side, 0.9 * c.weight_side) << c.weight;
  }
}

double norm(const std::vector<float>& values, bool frobenius) {
  double sum = 0;
  for (const float x : values) sum += frobenius ? static_cast<double>(x) * x : std::abs(x);
  return frobenius ? std::sqrt(sum) : sum;
}

TEST(BalanceAdapters, MakesTheNormsEqualKeepsTheLogitsAndLogsBothFactors) {
  for (const std::string which : {"l1", "frobenius"}) {
    Training run(lora(Json::object(), {{{"kind", "balance_adapters"}, {"at", {0, 10}}, {"norm", which}}}));
    run.events(0);
    ASSERT_EQ(run.rows.size(), 14U);
    for (const EventRow& row : run.rows) EXPECT_EQ(row.kind, "balance_skipped") << "B is still 0";
    run.rows.clear();
    run.train(0, 9);
    run.fill(run.learner.train_inputs(), 1);
    run.learner.backward();
    run.learner.update(9, 1000);
    const std::vector<float> before = run.learner.logits();
    run.events(10);
    const std::vector<float> after = run.learner.logits();
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], before[i], 1e-5);
    for (const std::string weight : {"layers.0.attn.k.weight", "layers.1.mlp.down.weight"}) {
      const bool frobenius = which == "frobenius";
      EXPECT_NEAR(norm(run.stored(weight + "/a"), frobenius) / norm(run.stored(weight + "/b"), frobenius), 1,
                  1e-5);
    }
    ASSERT_EQ(run.rows.size(), 28U);
    for (std::size_t i = 0; i < run.rows.size(); i += 2) {
      EXPECT_NEAR(run.rows[i].factor * run.rows[i + 1].factor, 1, 1e-12);
      EXPECT_LE(run.rows[i].defect, 1e-5);
      EXPECT_TRUE(run.rows[i].parameter.ends_with("/b")) << run.rows[i].parameter;
      EXPECT_TRUE(run.rows[i + 1].parameter.ends_with("/a"));
    }
  }
}

/// The other reading of WISCA: whole weights are balanced, and a factor of W0 + B A is one of W0 and of B
/// (rows) or A (columns).
TEST(LoraWithRescale, BalancesTheWholeWeightsAndKeepsTheLogits) {
  for (const std::string granularity : {"tensor", "channel"}) {
    Json root = lora(Json::object(), Json::array()).resolved;
    root["events"] = Json::array(
        {{{"kind", "rescale"}, {"pairs", {"q-k", "v-o"}}, {"at", {10}}, {"granularity", granularity}}});
    Training run(read_method({"method", root, {}}));
    for (float& x : run.learner.store().at("layers.0.attn.v.weight").values()) x *= 4;
    run.train(0, 9);
    run.fill(run.learner.train_inputs(), 1);
    run.learner.backward();
    run.learner.update(9, 1000);
    const std::vector<float> before = run.learner.logits();
    const std::vector<float> base = run.stored("layers.0.attn.v.weight"),
                             b = run.stored("layers.0.attn.v.weight/b");
    run.events(10);
    const std::vector<float> after = run.learner.logits();
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], before[i], 1e-5);
    const double ratio = base[0] / run.stored("layers.0.attn.v.weight")[0];
    EXPECT_GT(ratio, 1.2) << "v was too large";
    EXPECT_NEAR(b[0] / run.stored("layers.0.attn.v.weight/b")[0], ratio, 1e-5);
    if (granularity == "tensor") {
      EXPECT_NEAR(norm(run.realized("layers.0.attn.v.weight"), false) /
                      norm(run.realized("layers.0.attn.o.weight"), false),
                  1, 1e-5);
    }
  }
}

/// Law 6 for the factors: Adam without epsilon moves A by what does not depend on its size, so that a run
/// whose factors are balanced goes on as one whose rates were multiplied; with powers of two to the last bit.
TEST(BalanceAdapters, WithTransportARunGoesOnAsMultipliedRatesWould) {
  constexpr std::int64_t kWhen = 12;
  for (const std::string moments : {"transport", "keep"}) {
    Training balanced(lora(
        Json::object(),
        {{{"kind", "balance_adapters"}, {"at", {kWhen}}, {"power_of_two", true}, {"moments", moments}}}));
    Training plain(lora(Json::object(), Json::array()));
    EXPECT_EQ(balanced.train(0, kWhen), plain.train(0, kWhen));
    std::map<std::string, double> factors;
    for (const EventRow& row : balanced.rows) factors[row.parameter] = row.factor;
    ASSERT_EQ(factors.size(), 28U);
    bool same = true;
    for (std::int64_t step = kWhen; step < kWhen + 10; ++step) {
      same = same && balanced.train(step, step + 1) == plain.train(step, step + 1);
      // The plain run moves as the balanced one did: by the same directions over the factors.
      for (Trained& t : plain.learner.trained()) {
        const std::vector<float> other = balanced.stored(t.name);
        for (std::size_t i = 0; i < other.size(); ++i)
          t.tensor->values()[i] = static_cast<float>(other[i] / factors.at(t.name));
      }
    }
    EXPECT_TRUE(same) << "the function of equal models is equal";
    for (std::size_t k = 0; k < plain.learner.trained().size(); ++k) {
      const Trained &a = balanced.learner.trained()[k], &b = plain.learner.trained()[k];
      for (std::size_t m = 0; m < a.moments.size(); ++m) {
        const double scale = std::pow(factors.at(a.name), a.powers[m]);
        double worst = 0;
        for (std::size_t i = 0; i < a.moments[m].values().size(); ++i)
          worst = std::max(worst, std::abs(a.moments[m].values()[i] - scale * b.moments[m].values()[i]));
        if (moments == "transport") {
          EXPECT_EQ(worst, 0.0) << a.name << " " << a.moment_names[m];
        } else if (scale != 1) {
          EXPECT_GT(worst, 0.0) << a.name << " " << a.moment_names[m];
        }
      }
    }
  }
}

}  // namespace
}  // namespace isorbit::experiments
