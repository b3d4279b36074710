// What rescaling promises, over every granularity and norm: the same function, transported moments, and
// nothing but other learning rates. Powers of two keep these laws to the last bit. Other factors perturb
// weights in their last bit, which training in single precision amplifies: those runs are compared for fewer
// steps or to wider bounds.
#include "experiments/events/rescale/norms.hpp"
#include "small_training.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using testing_support::adamw;
using testing_support::granularities_of;
using testing_support::Kind;
using testing_support::kinds;
using testing_support::method;
using testing_support::relative;
using testing_support::rescale;
using testing_support::small_model;
using testing_support::Training;
using testing_support::with;
using testing_support::worst_difference;

/// Law 4.
TEST(RescaleLaws, TheLogitsStayToTheLastBitUnderPowersOfTwoAndWithin1e5Otherwise) {
  for (const Kind& kind : kinds()) {
    Training run(small_model(kind.name, kind.constants), method(Json::array()));
    for (const Json& fields : granularities_of(kind)) {
      for (const std::string& norm : norm_names()) {
        for (const bool power_of_two : {true, false}) {
          Training one(
              small_model(kind.name, kind.constants),
              method(rescale(with(fields, {{"at", {0}}, {"norm", norm}, {"power_of_two", power_of_two}}))));
          one.unbalance();
          const std::vector<float> before = one.learner.logits();
          one.events(0);
          const double moved = relative(before, one.learner.logits());
          EXPECT_LE(moved, power_of_two ? 0.0 : 1e-5) << kind.name << fields << norm;
          const std::string& first = one.rows.at(0).parameter;
          if (!power_of_two) {
            EXPECT_TRUE(one.values(first) != run.values(first)) << "nothing was scaled";
          }
          for (const EventRow& row : one.rows) {
            if (row.kind != "rescale") continue;
            EXPECT_EQ(row.defect, moved);
            if (!power_of_two) {
              EXPECT_NEAR(row.after, 1, 1e-5) << kind.name << fields << norm << row.parameter;
            }
          }
        }
      }
    }
  }
}

TEST(RescaleLaws, EverythingInTheGraphMayBeScaledAtOnce) {
  for (const Kind& kind : kinds()) {
    for (const char* granularity : {"tensor", "channel"}) {
      Training run(small_model(kind.name, kind.constants),
                   method(rescale({{"at", {0}}, {"pairs", {"*"}}, {"granularity", granularity}})));
      run.unbalance();
      const std::vector<float> before = run.learner.logits();
      run.events(0);
      EXPECT_LE(relative(before, run.learner.logits()), 1e-5) << kind.name << granularity;
    }
  }
}

/// Law 5, with the multipliers written out as words.
TEST(RescaleLaws, BeforeTrainingItIsAMultiplierOfEachTensorsLearningRate) {
  for (const bool power_of_two : {true, false}) {
    for (const int kv_heads : {1, 2}) {
      const auto model = [&] { return small_model("llama", {{"kv_heads", kv_heads}}); };
      Training rescaled(model(), method(rescale({{"at", {0}}, {"power_of_two", power_of_two}})));
      rescaled.events(0);
      ASSERT_LT(rescaled.factors().at("layers.0.attn.q.weight"), 0.8);
      std::map<std::string, Json> multipliers;
      for (const auto& [name, factor] : rescaled.factors()) multipliers[name] = adamw(1 / factor);
      Training multiplied(model(), method(Json::array(), adamw(), multipliers));
      Training plain(model(), method(Json::array()));
      const std::vector<double> a = rescaled.train(0, 200), b = multiplied.train(0, 200),
                                c = plain.train(0, 200);
      EXPECT_LE(worst_difference(a, b), power_of_two ? 0.0 : 2e-4) << kv_heads;
      EXPECT_GT(worst_difference(a, c), 1e-2) << "the multipliers make no difference: " << kv_heads;
      EXPECT_LT(a.back(), 0.7 * a.front()) << "nothing was learned";
    }
  }
}

Json chain_of(const char* kind, const Json& more = Json::object()) {
  Json word = {{"kind", kind}, {"learning_rate", 2e-3}};
  word.update(more);
  return Json::array({word});
}

/// Losses of a run whose weights are scaled at 0 and every 30 steps, and of one whose rates are.
struct Both {
  std::vector<double> weights, rates;
  Both(const Kind& kind, const Json& fields, const Json& update, std::int64_t steps) {
    for (const char* apply : {"weights", "rates"}) {
      Training run(small_model(kind.name, kind.constants),
                   method(rescale(with(fields, {{"at", {0}}, {"every", 30}, {"apply", apply}})), update));
      run.unbalance();
      run.events(0);
      (std::string(apply) == "rates" ? rates : weights) = run.train(0, steps);
      for (const EventRow& row : run.rows) EXPECT_TRUE(row.kind.starts_with("rescale")) << row.kind;
    }
  }
};

/// Laws 5 and 6, with "apply": "rates": at the start and again and again in training.
TEST(RescaleLaws, RatesThatStandForFactorsTrainAsTheFactorsDo) {
  for (const Kind& kind : kinds()) {
    // Weights before a norm have next to no gradient along themselves, and without epsilon Adam makes full
    // steps of its rounding: after 40 steps such a run is 1e-3 away from one whose weights differ in their
    // last bit.
    const std::int64_t steps = kind.name == "llama_qknorm" ? 10 : 40;
    for (const Json& fields : granularities_of(kind)) {
      for (const std::string& norm : norm_names()) {
        const Json exact = with(fields, {{"norm", norm}, {"power_of_two", true}});
        const Both bits(kind, exact, adamw(), norm == "l1" ? 200 : 40);
        EXPECT_EQ(bits.weights, bits.rates) << kind.name << exact;
        const Both rounded(kind, with(fields, {{"norm", norm}}), adamw(), steps);
        EXPECT_LE(worst_difference(rounded.weights, rounded.rates), 2e-6) << kind.name << fields << norm;
      }
    }
  }
}

TEST(RescaleLaws, RatesStandForFactorsUnderEveryUpdate) {
  const Json rate = {{"kind", "learning_rate"}, {"value", 1e-3}};
  const std::vector<Json> elementwise = {
      chain_of("sgd", {{"learning_rate", 0.02}}), chain_of("sgd", {{"learning_rate", 0.005}, {"beta", 0.9}}),
      chain_of("sgd", {{"learning_rate", 0.005}, {"beta", 0.9}, {"nesterov", true}}),
      Json::array({{{"kind", "lion"}}, {{"kind", "weight_decay"}, {"rate", 0.1}}, rate}),
      Json::array({{{"kind", "momentum"}},
                   {{"kind", "scale"}, {"factor", 0.5}},
                   {{"kind", "weight_decay"}, {"rate", 0.1}},
                   rate})};
  const Kind& llama = kinds().front();
  for (const char* granularity : {"tensor", "channel"}) {
    for (const char* moments : {"transport", "keep", "reset"}) {
      const Json fields = {{"granularity", granularity}, {"moments", moments}, {"power_of_two", true}};
      for (const Json& update : elementwise) {
        const Both bits(llama, fields, update, 70);
        EXPECT_EQ(bits.weights, bits.rates) << update << fields;
      }
    }
  }
}

TEST(RescaleLaws, RatesStandForFactorsOfWholeMatrices) {
  const Json rate = {{"kind", "learning_rate"}, {"value", 1e-3}};
  const std::vector<Json> wholes = {Json::array({{{"kind", "momentum"}},
                                                 {{"kind", "orthogonalize"}},
                                                 {{"kind", "weight_decay"}, {"rate", 0.1}},
                                                 rate}),
                                    Json::array({{{"kind", "galore"},
                                                  {"rank", 4},
                                                  {"refresh", 7},
                                                  {"update", Json::array({{{"kind", "momentum"}}})}},
                                                 rate})};
  for (const Json& update : wholes) {
    std::vector<std::vector<double>> losses;
    for (const char* apply : {"weights", "rates"}) {
      const Json event = {{"at", {0, 20}}, {"power_of_two", true}, {"apply", apply}};
      Training run(small_model("llama", {{"kv_heads", 2}}),
                   method(rescale(event), adamw(), {{"layers.*.{attn,mlp}.*", update}}));
      run.unbalance();
      run.events(0);
      losses.push_back(run.train(0, 60));
    }
    EXPECT_LE(worst_difference(losses[0], losses[1]), 1e-6) << update;
  }
}

/// Law 6 from a copy of the same state, with moments that are not transported, which must show.
TEST(RescaleLaws, AMidRunRescaleWithTransportContinuesAsTheUnrescaledRunWithRates) {
  constexpr std::int64_t kWhen = 40;
  for (const Kind& kind : kinds()) {
    for (const Json& fields : granularities_of(kind)) {
      for (const char* moments : {"transport", "keep", "reset"}) {
        const auto run = [&](const char* apply, const char* how) {
          Training one(
              small_model(kind.name, kind.constants),
              method(rescale(with(
                  fields, {{"at", {kWhen}}, {"moments", how}, {"power_of_two", true}, {"apply", apply}}))));
          one.unbalance();
          return one.train(0, kWhen + 60);
        };
        EXPECT_EQ(run("weights", moments), run("rates", moments)) << kind.name << fields << moments;
        if (std::string(moments) == "transport") continue;
        const double shows = worst_difference(run("weights", moments), run("weights", "transport"));
        EXPECT_GT(shows, 1e-4) << kind.name << fields << moments;
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
  Training rescaled(small_model("llama", {{"kv_heads", 1}}), read_method({"method", root, {}}));
  Training plain(small_model("llama", {{"kv_heads", 1}}), read_method({"method", quiet, {}}));
  EXPECT_EQ(rescaled.train(0, 60), plain.train(0, 60));
  EXPECT_EQ(rescaled.rows.size(), 8U);
}

/// Factors of an adapter's weight are factors of B's rates.
TEST(RescaleLaws, RatesOfAnAdapterStandForFactorsOfItsWeight) {
  for (const char* granularity : {"tensor", "channel"}) {
    std::vector<std::vector<double>> losses;
    for (const char* apply : {"weights", "rates"}) {
      Json root = method(rescale({{"at", {10}},
                                  {"every", 20},
                                  {"power_of_two", true},
                                  {"granularity", granularity},
                                  {"apply", apply}}))
                      .resolved;
      Json lora = root["groups"][0];
      lora["parameters"] = "layers.*.{attn,mlp}.*.weight";
      lora["parametrization"] = {{"kind", "lora"}, {"rank", 3}};
      lora["update"] =
          Json::array({{{"kind", "adam"}, {"epsilon", 0}}, {{"kind", "learning_rate"}, {"value", 2e-3}}});
      root["groups"].insert(root["groups"].begin(), lora);
      const core::Model model = small_model("llama", {{"kv_heads", 2}});
      Training run(model, read_method_for(model, {"method", root, {}}));
      losses.push_back(run.train(0, 60));
    }
    EXPECT_EQ(losses[0], losses[1]) << granularity;
  }
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
    Training run(small_model("llama"), read_method({"method", root, {}}));
    const std::vector<float> before = run.train_until_events_of(30);
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
