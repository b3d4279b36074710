// What a rescale does and refuses, field by field. Its laws are in rescale_laws_test.cpp.
#include "small_training.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using testing_support::method;
using testing_support::relative;
using testing_support::rescale;
using testing_support::small_model;
using testing_support::Training;

constexpr const char* kQuery = "layers.0.attn.q.weight";

core::Model grouped() { return small_model("llama", {{"kv_heads", 2}}); }

/// The rescale of an unbalanced model, before training.
struct Rescaled {
  Training run;
  std::vector<float> before;
  explicit Rescaled(const Json& fields) : run(grouped(), method(rescale(fields))) {
    run.unbalance();
    before = run.learner.logits();
    run.events(0);
  }
};

double l1(const core::Tensor& tensor) {
  double sum = 0;
  for (const float x : tensor.values()) sum += std::abs(x);
  return sum;
}

TEST(Rescale, MakesTheSumsOfMagnitudesEqualAndLogsTheRatioOnBothSides) {
  Rescaled done(Json{{"at", {0}}});
  Training& run = done.run;
  ASSERT_EQ(run.rows.size(), 8U);
  const auto norm = [&](const std::string& name) { return l1(run.learner.store().at(name)); };
  for (const std::string layer : {"layers.0.attn.", "layers.1.attn."}) {
    EXPECT_NEAR(norm(layer + "q.weight") / norm(layer + "k.weight"), 1.0, 1e-6);
    EXPECT_NEAR(norm(layer + "v.weight") / norm(layer + "o.weight"), 1.0, 1e-6);
  }
  for (const EventRow& row : run.rows) {
    EXPECT_EQ(row.kind, "rescale");
    EXPECT_EQ(row.bound, 1e-4);
    EXPECT_LE(row.defect, 1e-5);
    EXPECT_GT(row.ulp, 0.0);
    EXPECT_LT(row.ulp, 100.0);
    EXPECT_NEAR(row.after, 1.0, 1e-6);
  }
  const EventRow& query = run.rows.front();
  EXPECT_EQ(query.parameter, kQuery);
  EXPECT_NEAR(query.before, 1 / (query.factor * query.factor), 1e-6 * query.before);
}

TEST(Rescale, NormsGiveTheFactorsOfAGroupOfEqualEntries) {
  // 4 query heads on 1 key head, entries of one size: sqrt(4), 4^(1/4), 1, 1.
  const std::map<std::string, double> expected = {
      {"l1", 2}, {"frobenius", std::sqrt(2)}, {"rms", 1}, {"max", 1}};
  for (const auto& [norm, factor] : expected) {
    Training run(small_model("llama", {{"kv_heads", 1}}), method(rescale({{"at", {0}}, {"norm", norm}})));
    for (const std::string& name : run.learner.weights())
      if (name.find("attn") != std::string::npos)
        for (std::size_t i = 0; float& x : run.learner.store().at(name).values())
          x = i++ % 2 == 0 ? 0.1F : -0.1F;
    run.events(0);
    for (const EventRow& row : run.rows) {
      const bool grows =
          row.parameter.find(".k.") != std::string::npos || row.parameter.find(".v.") != std::string::npos;
      const double of_row = row.kind == "rescale" ? row.factor : 1;
      EXPECT_NEAR(of_row, grows ? factor : 1 / factor, 1e-6) << norm << " " << row.parameter;
    }
  }
}

TEST(Rescale, FinerFactorsBalanceEveryHeadOrChannelPairAndAreLoggedAsSeveral) {
  for (const char* granularity : {"kv_group", "channel"}) {
    Rescaled done(Json{{"at", {0}}, {"granularity", granularity}, {"pairs", {"q-k"}}});
    Training& run = done.run;
    EXPECT_LE(relative(done.before, run.learner.logits()), 1e-5);
    const std::vector<float> q = run.values(kQuery), k = run.values("layers.0.attn.k.weight");
    const auto row = [](const std::vector<float>& w, std::size_t r) {
      double sum = 0;
      for (std::size_t c = 0; c < 32; ++c) sum += std::abs(w[r * 32 + c]);
      return sum;
    };
    // 4 query heads of 8 rows on 2 key heads; a rotary pair is (i, i + 4).
    for (std::size_t head = 0; head < 2; ++head) {
      double all_q = 0, all_k = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        double of_q = 0, of_k = 0;
        for (const std::size_t r : {i, i + 4}) {
          of_q += row(q, 16 * head + r) + row(q, 16 * head + 8 + r);
          of_k += row(k, 8 * head + r);
        }
        if (std::string(granularity) == "channel") {
          EXPECT_NEAR(of_q / of_k, 1, 1e-5) << head << " " << i;
        }
        all_q += of_q, all_k += of_k;
      }
      EXPECT_NEAR(all_q / all_k, 1, 1e-5);
    }
    ASSERT_EQ(run.rows.size(), 4U);
    for (const EventRow& event : run.rows) EXPECT_TRUE(std::isnan(event.factor));
    EXPECT_NEAR(run.rows[0].after, 1, 1e-6);
  }
}

TEST(Rescale, ControlsDoTheContraryOrAnythingAsLarge) {
  const auto log_ratios = [](const char* factor, bool after) {
    Rescaled done(Json{{"at", {0}}, {"factor", factor}, {"pairs", {"q-k"}}});
    Training& run = done.run;
    EXPECT_LE(relative(done.before, run.learner.logits()), 1e-5) << factor;
    std::vector<double> logs;
    for (std::size_t i = 0; i < run.rows.size(); i += 2)
      logs.push_back(std::log(after ? run.rows[i].after : run.rows[i].before));
    return logs;
  };
  const std::vector<double> plain = log_ratios("balance", false), inverse = log_ratios("inverse", true),
                            random = log_ratios("random", true);
  EXPECT_EQ(random, log_ratios("random", true));
  ASSERT_EQ(plain.size(), 2U);
  const double largest = std::max(std::abs(plain[0]), std::abs(plain[1]));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(inverse[i], 2 * plain[i], 1e-5);
    EXPECT_LE(std::abs(random[i] - plain[i]), largest + 1e-5);
    EXPECT_GT(std::abs(random[i]), 1e-3) << "balanced by chance";
  }
  EXPECT_GT(std::abs(random[0] - random[1]), 1e-3);
}

TEST(Rescale, SmallFactorsAreLeftOutWithinADeadBandAndLogged) {
  Rescaled done(Json{{"at", {0}}, {"dead_band", 0.7}});
  Training& run = done.run;
  std::map<std::string, int> seen;
  for (const EventRow& row : run.rows) {
    ++seen[row.kind];
    const bool small = std::abs(std::log(row.before)) / 2 < 0.7;
    EXPECT_EQ(row.kind, small ? "rescale_skipped" : "rescale") << row.parameter << " " << row.before;
    if (small) {
      EXPECT_EQ(row.after, row.before);
      EXPECT_EQ(row.factor, 1.0);
    }
  }
  EXPECT_GT(seen["rescale"], 0);
  EXPECT_GT(seen["rescale_skipped"], 0);
}

TEST(Rescale, PairsWithoutANormAreSkippedAndLogged) {
  Training run(small_model("llama"), method(rescale({{"at", {0}}})));
  run.unbalance();
  for (float& x : run.learner.store().at("layers.0.attn.k.weight").values()) x = 0;
  const float kept = run.learner.store().at(kQuery).values()[0];
  run.events(0);
  std::vector<std::string> skipped;
  for (const EventRow& row : run.rows)
    if (row.kind == "rescale_skipped") skipped.push_back(row.parameter);
  EXPECT_EQ(skipped, (std::vector<std::string>{kQuery, "layers.0.attn.k.weight"}));
  EXPECT_TRUE(std::isnan(run.rows.front().factor));
  EXPECT_EQ(run.rows.size(), 8U);
  EXPECT_EQ(run.learner.store().at(kQuery).values()[0], kept);
}

TEST(Rescale, AFactorForOneQueryHeadOfAGroupFailsAndIsNamedWithItsLayer) {
  Training run(grouped(), method(rescale({{"at", {0}}, {"granularity", "channel"}})));
  run.unbalance();
  for (core::ScalingFamily& family : run.learner.symmetries().families) {
    if (family.name != "layers.1.attn.q~layers.1.attn.k") continue;
    for (std::size_t row = 0; row < 8; ++row) family.members[0].generators[row] = -1;
  }
  try {
    run.events(0);
    FAIL() << "not caught";
  } catch (const std::runtime_error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("\"layers.1.attn.q~layers.1.attn.k\""), std::string::npos) << what;
    EXPECT_EQ(what.find("layers.0"), std::string::npos) << what;
  }
  EXPECT_TRUE(run.rows.empty());
}

TEST(Rescale, OnlyThePairsOfItsOwnGroupAreScaled) {
  Json root = method(Json::array()).resolved;
  Json first = root["groups"][0];
  first["parameters"] = "layers.1.*";
  first["events"] = rescale({{"at", {0}}});
  root["groups"].insert(root["groups"].begin(), first);
  Training run(small_model("llama"), read_method_for(small_model("llama"), {"method", root, {}}));
  run.unbalance();
  run.events(0);
  ASSERT_EQ(run.rows.size(), 4U);
  for (const EventRow& row : run.rows) EXPECT_TRUE(row.parameter.starts_with("layers.1.")) << row.parameter;
}

TEST(Rescale, HappensAtAStepAndEverySoMany) {
  Training run(grouped(), method(rescale({{"at", {0}}, {"every", 5}, {"pairs", {"v-o"}}})));
  run.unbalance();
  run.events(0);
  run.train(0, 12);
  std::vector<std::int64_t> steps;
  for (const EventRow& row : run.rows)
    if (steps.empty() || steps.back() != row.step) steps.push_back(row.step);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{0, 5, 10}));
}

/// In the middle of an interval rows of R W0 P take no factors: the event merges first, as its log says.
TEST(Rescale, SingleRowsOfARotatedWeightTakeFactorsAfterAMerge) {
  const auto poet = [](const char* granularity, const Json& merges) {
    Json root = method(rescale({{"at", {20}}, {"granularity", granularity}})).resolved;
    Json group = root["groups"][0];
    group["parameters"] = "layers.*.attn.*.weight";
    group["parametrization"] = {{"kind", "poet"}, {"block_size", 8}, {"init", "model"}};
    group["events"] = merges;
    root["groups"].insert(root["groups"].begin(), group);
    return read_method_for(grouped(), {"method", root, {}});
  };
  for (const char* granularity : {"tensor", "kv_group", "channel"}) {
    Training run(grouped(), poet(granularity, Json::array()));
    const std::vector<float> before = run.train_until_events_of(20);
    run.events(20);
    EXPECT_LE(relative(before, run.learner.logits()), 1e-5) << granularity;
    std::map<std::string, int> seen;
    for (const EventRow& row : run.rows) ++seen[row.kind];
    EXPECT_EQ(seen["merge"], std::string(granularity) == "tensor" ? 0 : 8) << granularity;
    EXPECT_EQ(seen["rescale"], 8) << granularity;
    EXPECT_NEAR(run.rows.back().after, 1, 1e-5) << granularity;
    EXPECT_LT(run.train(20, 40).back(), 4.0);
  }
  Training merged(grouped(), poet("channel", {{{"kind", "merge"}, {"at", {20}}}}));
  merged.train(0, 20);
  std::map<std::string, int> seen;
  for (const EventRow& row : merged.rows) ++seen[row.kind];
  EXPECT_EQ(seen["merge"], 8) << "the group's own merge has just been";
}

/// W0 and B take the factors of rows, W0 and A those of columns: B A + W0 is scaled at any time.
TEST(Rescale, AnAdapterIsScaledWithItsBase) {
  for (const char* granularity : {"tensor", "channel"}) {
    Json root = method(rescale({{"at", {20}}, {"granularity", granularity}, {"pairs", {"*"}}})).resolved;
    Json group = root["groups"][0];
    group["parameters"] = "layers.*.{attn,mlp}.*.weight";
    group["parametrization"] = {{"kind", "lora"}, {"rank", 3}};
    root["groups"].insert(root["groups"].begin(), group);
    Training run(grouped(), read_method_for(grouped(), {"method", root, {}}));
    const std::vector<float> before = run.train_until_events_of(20);
    run.events(20);
    EXPECT_LE(relative(before, run.learner.logits()), 1e-5) << granularity;
    for (const EventRow& row : run.rows) EXPECT_EQ(row.kind, "rescale");
  }
}

}  // namespace
}  // namespace isorbit::experiments
