// The laws of rescaling, of balanced adapters and of merges over whole runs in double, for every word: small
// models of every kind of attention, taken by the reference engine, under the events themselves and the
// formulas of the updates.
#include <gtest/gtest.h>

#include "experiments/events/rescale/norms.hpp"
#include "twin.hpp"
#include "update_chain.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using testing_support::adamw;
using testing_support::granularities_of;
using testing_support::Kind;
using testing_support::kinds;
using testing_support::method;
using testing_support::Numbers;
using testing_support::relative;
using testing_support::rescale;
using testing_support::Training;
using testing_support::Twin;
using testing_support::with;
using testing_support::worst_difference;

core::Model small(const Kind& kind) {
  return testing_support::small_model(
      kind.name, with(kind.constants, {{"depth", 1}, {"width", 16}, {"seq", 6}, {"vocab", 16}, {"ffn", 12}}));
}

/// A method whose layers' matrices have this parametrization.
Method with_parametrization(const core::Model& model, const Json& fields, const Json& events) {
  Json root = method(events).resolved;
  Json group = root["groups"][0];
  group["parameters"] = "layers.*.{attn.?,mlp.*}.weight";
  group["parametrization"] = fields;
  root["groups"].insert(root["groups"].begin(), group);
  return read_method_for(model, {"method", root, {}});
}

const std::vector<Json> kParametrizations = {
    {{"kind", "dense"}},
    {{"kind", "lora"}, {"rank", 3}, {"alpha", 6}},
    {{"kind", "poet"}, {"block_size", 4}, {"init", "model"}},
    {{"kind", "poet"}, {"block_size", 4}, {"cayley", "exact"}, {"init", "model"}},
    {{"kind", "poet"}, {"sampling", "full"}, {"neumann_terms", 4}, {"init", "model"}}};

TEST(LawsInDouble, EveryParametrizationIsHere) {
  for (const Parametrization& word : Vocabulary::all().parametrizations)
    EXPECT_TRUE(std::ranges::any_of(kParametrizations, [&](const Json& p) { return p["kind"] == word.name; }))
        << word.name;
}

/// A run and its twin.
struct Pair {
  Training run;
  Twin twin;
  Pair(core::Model model, Method how) : run(std::move(model), std::move(how)), twin((run.unbalance(), run)) {}
};

/// Rounding to f32, 2^-24 of a number, moves a loss of such a model by some 1e-6 and, before twenty updates
/// are over, its weights by less than ten times that.
TEST(Twin, TrainsAsTheLearnerDoes) {
  const Kind& llama = kinds().front();
  const Json events = {{{"kind", "rescale"}, {"at", {5, 12}}, {"pairs", {"*"}}, {"granularity", "channel"}},
                       {{"kind", "rescale"}, {"at", {0, 9}}, {"pairs", {"q-k"}}, {"moments", "keep"}},
                       {{"kind", "merge"}, {"at", {8, 15}}},
                       {{"kind", "balance_adapters"}, {"every", 4}}};
  for (const Json& fields : kParametrizations) {
    Json own = Json::array();
    for (const Json& event : events) {
      if (event["kind"] == "merge" && fields["kind"] == "dense") continue;
      if (event["kind"] == "balance_adapters" && fields["kind"] != "lora") continue;
      own.push_back(event);
    }
    Pair both(small(llama), with_parametrization(small(llama), fields, own));
    both.run.events(0);
    both.twin.events(0);
    const std::vector<double> found = both.run.train(0, 20);
    EXPECT_LE(worst_difference(found, both.twin.train(0, 20)), 1e-5) << fields;
    ASSERT_EQ(both.run.rows.size(), both.twin.rows.size()) << fields;
    for (std::size_t i = 0; i < both.run.rows.size(); ++i) {
      EXPECT_EQ(both.run.rows[i].parameter, both.twin.rows[i].parameter);
      if (!std::isnan(both.run.rows[i].factor)) {
        EXPECT_NEAR(both.run.rows[i].factor, both.twin.rows[i].factor, 1e-4) << both.run.rows[i].parameter;
      }
    }
  }
}

/// Law 1 of a whole model: what the coordinates have learned is in the base to the last bit of a double.
TEST(LawsInDouble, AMergeKeepsEveryBitOfTheLogitsAndASecondOneChangesNothing) {
  for (const Json& fields : kParametrizations) {
    if (fields["kind"] == "dense") continue;
    Pair both(small(kinds().front()),
              with_parametrization(small(kinds().front()), fields, {{{"kind", "merge"}, {"at", {6, 7}}}}));
    both.twin.train(0, 5);
    (void)both.twin.train_without_events(5);
    const Numbers before = both.twin.logits();
    for (const std::int64_t step : {6, 7}) {
      both.twin.events(step);
      EXPECT_EQ(both.twin.logits(), before) << fields << " " << step;
    }
    EXPECT_EQ(both.twin.rows.size(), 14U) << fields;
  }
}

/// Law 4 in the middle of a run.
void expect_kept(const Kind& kind, const Json& parametrization, const Json& event) {
  const core::Model model = small(kind);
  Pair both(model, with_parametrization(model, parametrization, Json::array({event})));
  Twin& twin = both.twin;
  twin.train(0, 3);
  (void)twin.train_without_events(3);
  const Numbers before = twin.logits();
  const std::size_t rows = twin.rows.size();
  twin.events(4);
  const std::string what = kind.name + " " + parametrization.dump() + " " + event.dump();
  EXPECT_LE(relative(before, twin.logits()), event.value("power_of_two", false) ? 0.0 : 1e-12) << what;
  EXPECT_GT(twin.rows.size(), rows) << what;
  for (std::size_t i = rows; i < twin.rows.size(); ++i)
    EXPECT_FALSE(twin.rows[i].kind.ends_with("skipped") && !event.value("power_of_two", false)) << what;
}

TEST(LawsInDouble, ARescaleKeepsTheLogitsUnderEveryNormGranularityAndParametrization) {
  for (const Kind& kind : kinds()) {
    for (const Json& fields : granularities_of(kind)) {
      for (const Json& parametrization : kParametrizations) {
        const Json event = with(fields, {{"kind", "rescale"}, {"at", {4}}});
        expect_kept(kind, parametrization, event);
        if (parametrization["kind"] != "dense") continue;
        for (const std::string& norm : norm_names()) {
          expect_kept(kind, parametrization, with(event, {{"norm", norm}}));
          expect_kept(kind, parametrization, with(event, {{"norm", norm}, {"power_of_two", true}}));
        }
        for (const char* factor : {"inverse", "random"})
          expect_kept(kind, parametrization, with(event, {{"factor", factor}}));
      }
    }
  }
}

TEST(LawsInDouble, BalancedAdaptersKeepTheLogits) {
  for (const char* norm : {"l1", "frobenius"})
    for (const Kind& kind : kinds())
      for (const Json& parametrization : kParametrizations)
        if (parametrization["kind"] == "lora")
          expect_kept(kind, parametrization, {{"kind", "balance_adapters"}, {"at", {4}}, {"norm", norm}});
}

/// Losses of a run whose weights are scaled, and of one whose rates are.
struct Both {
  Numbers weights, rates;
  Both(const core::Model& model, const Json& event, std::int64_t steps,
       const std::map<std::string, Json>& others = {}) {
    for (const char* apply : {"weights", "rates"}) {
      Pair both(model, method(rescale(with(event, {{"apply", apply}})), adamw(), others));
      both.twin.events(0);
      (std::string(apply) == "rates" ? rates : weights) = both.twin.train(0, steps);
      EXPECT_FALSE(both.twin.rows.empty());
    }
  }
};

/// Law 5: 200 steps of AdamW without epsilon and clipping. Weights before a norm have next to no gradient
/// along themselves, and without epsilon Adam makes full steps of its rounding.
TEST(LawsInDouble, ARescaleBeforeTrainingIsAMultiplierOfRates) {
  for (const Kind& kind : kinds()) {
    const double rounding = kind.name == "llama_qknorm" ? 1e-6 : 1e-9;
    const core::Model model = small(kind);
    const Numbers plain = Pair(model, method(Json::array())).twin.train(0, 200);
    for (const Json& fields : granularities_of(kind)) {
      for (const std::string& norm : norm_names()) {
        if (norm != "l1" && &kind != &kinds().front()) continue;
        const Both both(model, with(fields, {{"at", {0}}, {"norm", norm}}), 200);
        EXPECT_LE(worst_difference(both.weights, both.rates), rounding) << kind.name << fields << norm;
        EXPECT_GT(worst_difference(both.weights, plain), 1e-3) << kind.name << fields << norm;
        EXPECT_LT(both.weights.back(), 0.9 * both.weights.front()) << "nothing was learned";
      }
    }
  }
}

/// A chain of each registered word at a step size that trains, and of words within words.
std::vector<Json> chains() {
  std::vector<Json> all;
  for (const Update& word : Vocabulary::all().updates) {
    if (word.name == "learning_rate") continue;
    Json own = testing_support::required(word);
    for (const core::Field& field : word.fields) {
      if (field.name == "epsilon") own["epsilon"] = 0;
      if (field.name == "refresh") own["refresh"] = 7;
      if (field.name == "learning_rate") own["learning_rate"] = 2e-3;
      if (field.name == "beta") own["beta"] = 0.9;
    }
    own["kind"] = word.name;
    const auto add = [&](Json chain) {
      if (!word.expand) {
        chain.push_back({{"kind", "weight_decay"}, {"rate", 0.1}});
        chain.push_back({{"kind", "learning_rate"}, {"value", 2e-3}});
      }
      all.push_back(std::move(chain));
    };
    if (word.holds_words) {
      for (const Update& inner : Vocabulary::all().updates)
        if (!inner.expand && !inner.holds_words && !inner.adds_tensor && inner.name != "learning_rate") {
          Json part = testing_support::required(inner);
          part["kind"] = inner.name;
          if (inner.name == "adam") part["epsilon"] = 0;
          own[updates::held_field(word).name] = Json::array({part});
          add(Json::array({own}));
        }
    } else {
      add(Json::array({own}));
    }
  }
  return all;
}

/// Whether a chain keeps what a rescale must transport, and looks at single elements only.
struct Traits {
  bool moments = false, elementwise = true;
  explicit Traits(const Json& chain) {
    testing_support::Chain made{std::vector<float>(256), {16, 16}};
    for (const Json& word : chain) made.add(word);
    for (const testing_support::Chain::Link& link : made.links) {
      elementwise = elementwise && !link.update->whole_tensor;
      for (const Moment& moment : link.described) moments = moments || moment.power != 0;
    }
  }
};

/// Law 6, of the layers' matrices under every word: a rescale in the middle of a run goes on as rates that
/// stand for it, whatever becomes of the moments; and moments that are not transported show.
TEST(LawsInDouble, ARescaleInTheMiddleOfARunIsAMultiplierOfRatesUnderEveryUpdate) {
  const core::Model model = small(kinds().front());
  for (const Json& chain : chains()) {
    const Traits traits(chain);
    for (const Json& fields : granularities_of(kinds().front())) {
      if (!traits.elementwise && fields["granularity"] != "tensor") continue;
      std::map<std::string, Numbers> losses;
      for (const char* moments : {"transport", "keep", "reset"}) {
        const Both both(model, with(fields, {{"at", {15, 22}}, {"moments", moments}}), 40,
                        {{"layers.*.{attn.?,mlp.*}.weight", chain}});
        EXPECT_LE(worst_difference(both.weights, both.rates), 1e-10) << chain << fields << moments;
        losses[moments] = both.weights;
      }
      for (const char* moments : {"keep", "reset"})
        if (traits.moments) {
          EXPECT_GT(worst_difference(losses[moments], losses["transport"]), 1e-6)
              << chain << fields << moments;
        }
    }
  }
}

/// Law 6 for the two factors of an adapter: with transport each weight goes on as it would have.
TEST(LawsInDouble, FactorsOfAnAdaptersWeightAreFactorsOfItsRates) {
  const core::Model model = small(kinds().front());
  const Json lora = kParametrizations[1];
  for (const char* granularity : {"tensor", "channel"}) {
    std::vector<Numbers> losses;
    for (const char* apply : {"weights", "rates"}) {
      const Json event = {{"at", {5}}, {"every", 10}, {"granularity", granularity}, {"apply", apply}};
      Json root = method(rescale(event)).resolved, group = root["groups"][0];
      group["parameters"] = "layers.*.{attn.?,mlp.*}.weight";
      group["parametrization"] = lora;
      group["update"] =
          Json::array({{{"kind", "adam"}, {"epsilon", 0}}, {{"kind", "learning_rate"}, {"value", 2e-3}}});
      root["groups"].insert(root["groups"].begin(), group);
      Pair both(model, read_method_for(model, {"method", root, {}}));
      losses.push_back(both.twin.train(0, 40));
    }
    EXPECT_LE(worst_difference(losses[0], losses[1]), 1e-10) << granularity;
  }
}

}  // namespace
}  // namespace isorbit::experiments
