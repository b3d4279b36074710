// LoRA: what it moves, its two forms, its merges, its balance, and weights that a method leaves as they are.
#include <gtest/gtest.h>

#include <cmath>

#include "core/linalg/linalg.hpp"
#include "experiments/training/realizations.hpp"
#include "small_training.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using testing_support::every_op;
using testing_support::small_model;
using testing_support::Training;

const Json kAdam = Json::array(
    {{{"kind", "adam"}, {"epsilon", 0}, {"beta2", 0.95}}, {{"kind", "learning_rate"}, {"value", 5e-3}}});

core::Model llama() { return small_model("llama", {{"kv_heads", 2}}); }

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
  Training run(llama(), lora(Json::object(), {{{"kind", "merge"}, {"at", {20}}}}));
  const std::string q = "layers.1.attn.q.weight";
  const std::vector<float> start = run.values(q);
  EXPECT_EQ(run.realized(q), start);
  const std::vector<double> losses = run.train(0, 19);
  EXPECT_LT(losses.back(), losses.front());
  EXPECT_EQ(run.values(q), start) << "the base is fixed";
  EXPECT_EQ(rank_of_difference(run.realized(q), start, 32, 32), 3U);
  run.train(19, 20);
  const std::vector<float> merged = run.values(q);
  EXPECT_EQ(run.realized(q), merged) << "a merge starts at the merged weight, bit for bit";
  EXPECT_EQ(rank_of_difference(merged, start, 32, 32), 3U);
  run.train(20, 40);
  EXPECT_EQ(rank_of_difference(run.realized(q), start, 32, 32), 6U);
}

TEST(Lora, AMergeKeepsTheLogitsZeroesTheMomentsAndDrawsAnew) {
  Training run(llama(), lora(Json::object(), {{{"kind", "merge"}, {"at", {10}}}}));
  const std::vector<float> before = run.train_until_events_of(10), a = run.values("layers.0.mlp.up.weight/a");
  run.events(10);
  EXPECT_EQ(run.learner.logits(), before);
  EXPECT_NE(run.values("layers.0.mlp.up.weight/a"), a);
  for (const float x : run.values("layers.0.mlp.up.weight/b")) ASSERT_EQ(x, 0.0F);
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
  Training run(llama(), lora(Json::object(), Json::array()));
  const std::vector<float> embed = run.values("embed.weight"), norm = run.values("norm.weight");
  run.train(0, 5);
  EXPECT_EQ(run.values("embed.weight"), embed);
  EXPECT_EQ(run.values("norm.weight"), norm);
  for (const Trained& t : run.learner.trained()) EXPECT_NE(t.name, t.weight);
  EXPECT_EQ(run.learner.learning_rates(0, 10), (std::vector<double>{5e-3, 0.0}));
}

TEST(LoraForms, TrainToTheSameLossesByTheKernels) {
  Training weight_side(llama(), lora({{"form", "weight"}}, Json::array(), kAdam)),
      input_side(llama(), lora({{"form", "input"}}, Json::array(), kAdam));
  const std::vector<double> a = weight_side.train(0, 20), b = input_side.train(0, 20);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(b[i], a[i], 1e-4 * a[i]) << i;
  EXPECT_LT(a.back(), 0.9 * a.front());
}

/// Without a gradient of the weight a layer costs a third less; where there are as many tokens as usual.
TEST(LoraForms, TheInputSideIsTakenWhereRanksAreSmall) {
  const core::Model model = core::read_model(
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/llama.json"), every_op(),
      "small");
  const Realizations chosen =
      realizations(lora({{"rank", 8}}, Json::array()), model, every_op(), core::DType::f32);
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
    Training run(llama(),
                 lora(Json::object(), {{{"kind", "balance_adapters"}, {"at", {0, 10}}, {"norm", which}}}));
    run.events(0);
    ASSERT_EQ(run.rows.size(), 14U);
    for (const EventRow& row : run.rows) EXPECT_EQ(row.kind, "balance_skipped") << "B is still 0";
    run.rows.clear();
    const std::vector<float> before = run.train_until_events_of(10);
    run.events(10);
    const std::vector<float> after = run.learner.logits();
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], before[i], 1e-5);
    for (const std::string weight : {"layers.0.attn.k.weight", "layers.1.mlp.down.weight"}) {
      const bool frobenius = which == "frobenius";
      EXPECT_NEAR(norm(run.values(weight + "/a"), frobenius) / norm(run.values(weight + "/b"), frobenius), 1,
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
    Training run(llama(), read_method({"method", root, {}}));
    for (float& x : run.learner.store().at("layers.0.attn.v.weight").values()) x *= 4;
    const std::vector<float> before = run.train_until_events_of(10);
    const std::vector<float> base = run.values("layers.0.attn.v.weight"),
                             b = run.values("layers.0.attn.v.weight/b");
    run.events(10);
    const std::vector<float> after = run.learner.logits();
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], before[i], 1e-5);
    const double ratio = base[0] / run.values("layers.0.attn.v.weight")[0];
    EXPECT_GT(ratio, 1.2) << "v was too large";
    EXPECT_NEAR(b[0] / run.values("layers.0.attn.v.weight/b")[0], ratio, 1e-5);
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
    Training balanced(
        llama(),
        lora(
            Json::object(),
            {{{"kind", "balance_adapters"}, {"at", {kWhen}}, {"power_of_two", true}, {"moments", moments}}}));
    Training plain(llama(), lora(Json::object(), Json::array()));
    EXPECT_EQ(balanced.train(0, kWhen), plain.train(0, kWhen));
    std::map<std::string, double> factors;
    for (const EventRow& row : balanced.rows) factors[row.parameter] = row.factor;
    ASSERT_EQ(factors.size(), 28U);
    bool same = true;
    for (std::int64_t step = kWhen; step < kWhen + 10; ++step) {
      same = same && balanced.train(step, step + 1) == plain.train(step, step + 1);
      // The plain run moves as the balanced one did: by the same directions over the factors.
      for (Trained& t : plain.learner.trained()) {
        const std::vector<float> other = balanced.values(t.name);
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
