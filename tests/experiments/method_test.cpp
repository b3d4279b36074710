// Method documents: what is read, what is refused and how it is said, and whether a method fits a model.
#include "experiments/method.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "ops/registry.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

const std::string kRoot = std::string(ISORBIT_SOURCE_DIR) + "/experiments/";

constexpr const char* kSmall = R"({
  "name": "m",
  "constants": { "rate": 1e-3, "half": "rate / 2", "size": 16 },
  "groups": [
    { "parameters": "*.weight", "parametrization": { "kind": "poet", "block_size": "size * 2" },
      "update": [ { "kind": "adam" }, { "kind": "learning_rate", "value": "half" } ],
      "events": [ { "kind": "merge", "every": 10, "at": [3] } ] },
    { "parameters": "*", "update": [ { "kind": "adamw", "learning_rate": { "schedule": "cosine", "peak": "rate", "warmup": 5 } } ] } ] })";

core::Document document(const std::string& text) { return core::parse_document(text, "method.json"); }
Method read(const std::string& text, const Json& overrides = Json::object()) {
  return read_method(document(text), overrides);
}

/// The message of the DocumentError that f throws; empty when it throws none.
template <class F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const core::DocumentError& error) {
    return error.what();
  }
  return {};
}

/// kSmall with one piece of its text replaced.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = kSmall;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refused(const std::string& from, const std::string& to) {
  return refusal([&] { (void)read(changed(from, to)); });
}

void expect_says(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << part << "\nis not in\n" << message;
}

core::Model model(const std::string& name, const Json& constants = Json::object()) {
  static const core::OpSet ops(ops::registered());
  return core::read_model(core::read_document(kRoot + "models/" + name + ".json"), ops, {}, constants);
}

std::string fit(const core::Document& method_document, const core::Model& m,
                const Json& overrides = Json::object()) {
  return refusal([&] {
    core::Problems problems;
    check_method(read_method(method_document, overrides), m, method_document, problems);
    problems.throw_if_any();
  });
}

TEST(Method, ExpressionsOverConstantsAreEvaluatedInEveryNumber) {
  const Method method = read(kSmall);
  ASSERT_EQ(method.groups.size(), 2U);
  EXPECT_EQ(method.groups[0].parametrization.fields.at("block_size"), 32);
  EXPECT_EQ(method.groups[0].update[1].fields.at("value"), 5e-4);
  EXPECT_EQ(method.groups[1].update.back().fields.at("value").at("peak"), 1e-3);
  EXPECT_FALSE(method.clip_norm);
}

TEST(Method, OverridesReachTheConstantsThatDependOnThem) {
  const Method method = read(kSmall, {{"rate", 0.5}, {"size", "4 + 4"}});
  EXPECT_EQ(method.groups[0].update[1].fields.at("value"), 0.25);
  EXPECT_EQ(method.groups[0].parametrization.fields.at("block_size"), 16);
  EXPECT_EQ(method.resolved.at("constants").at("half"), 0.25);
}

TEST(Method, UnknownOverridesAreErrorsThatNameTheNearestConstant) {
  expect_says(refusal([] {
                (void)read(kSmall, {{"rat", 1}});
              }),
              {"constant \"rat\"", "did you mean \"rate\""});
}

TEST(Method, AResolvedMethodReadsBackAsItself) {
  const Method once = read(kSmall, {{"rate", 2e-3}});
  const Method twice = read_method({"again", once.resolved, {}});
  EXPECT_EQ(once.resolved.dump(), twice.resolved.dump());
}

TEST(Method, ANullClipIsNone) {
  EXPECT_FALSE(read(changed("\"groups\"", "\"clip_norm\": null, \"groups\"")).clip_norm);
  EXPECT_TRUE(read(changed("\"groups\"", "\"clip_norm\": 1, \"groups\"")).clip_norm);
}

TEST(Method, WhatIsWrongWithAConstantIsSaidOnceAndNotWhereItIsUsed) {
  const std::string said = refused("\"rate\": 1e-3", "\"rate\": \"pow(10, -3)\"");
  expect_says(said, {"#/constants/rate", "no function \"pow\", only min, max, ", "did you mean \"a ** b\"?"});
  EXPECT_EQ(said.find("#/groups"), std::string::npos) << said;
}

TEST(Method, AnOptionalGroupMayNameAnAbsentLayerAndNoOtherMay) {
  const core::Model m = model("llama");
  const char* text = R"({"name": "m", "groups": [
    {"parameters": "layers.77.*", OPTIONAL "parametrization": {"kind": "lora", "rank": 2},
     "update": [{"kind": "adamw", "learning_rate": 1e-3}], "events": [{"kind": "balance_adapters", "every": 2}]},
    {"parameters": "*", "update": [{"kind": "adamw", "learning_rate": 1e-3}]}]})";
  const auto with = [&](const std::string& optional) {
    std::string whole = text;
    return document(whole.replace(whole.find("OPTIONAL"), 8, optional));
  };
  EXPECT_EQ(fit(with("\"optional\": true,"), m), "");
  expect_says(fit(with(""), m),
              {"#/groups/0/parameters", "\"optional\": true", "did you mean \"layers.*.*\"?"});
}

TEST(Method, DefaultsAreFilledInAndParametrizationIsDense) {
  const Method method = read(kSmall);
  EXPECT_EQ(method.groups[0].parametrization.fields.at("neumann_terms"), 3);
  EXPECT_EQ(method.groups[0].update[0].fields.at("beta2"), 0.999);
  EXPECT_EQ(method.groups[1].parametrization.word->name, "dense");
  EXPECT_TRUE(method.groups[1].events.empty());
}

TEST(Method, AliasesStandForTheirWords) {
  std::vector<std::string> names;
  const Method method = read(kSmall);
  for (const Word<Update>& word : method.groups[1].update) names.push_back(word.word->name);
  EXPECT_EQ(names, (std::vector<std::string>{"adam", "weight_decay", "learning_rate"}));
}

TEST(Method, EventsAreDueAtMultiplesAfterTheStartAndAtNamedSteps) {
  EventWord event;
  event.every = 10;
  event.at = {0, 7};
  for (const int step : {0, 7, 10, 20}) EXPECT_TRUE(event.due(step)) << step;
  for (const int step : {1, 5, 11}) EXPECT_FALSE(event.due(step)) << step;
  event.at.clear();
  EXPECT_FALSE(event.due(0));
  const Method method = read(kSmall);
  EXPECT_TRUE(method.groups[0].events[0].due(3));
  EXPECT_TRUE(method.groups[0].events[0].due(30));
}

TEST(Method, TheFirstGroupThatMatchesHasAParameter) {
  const Method method = read(kSmall);
  EXPECT_EQ(method.group_of("layers.0.attn.q.weight"), 0U);
  EXPECT_EQ(method.group_of("layers.0.attn.q.bias"), 1U);
  EXPECT_TRUE(matches("layers.*.{attn,mlp}.*.weight", "layers.12.mlp.up.weight"));
  EXPECT_FALSE(matches("layers.*.{attn,mlp}.*.weight", "layers.12.n1.weight"));
}

TEST(Method, UnknownWordsAndFieldsGetSuggestions) {
  expect_says(refused("\"kind\": \"adam\"", "\"kind\": \"adm\""),
              {"method.json:6:", "#/groups/0/update/0/kind", "did you mean \"adam\""});
  expect_says(refused("\"kind\": \"poet\"", "\"kind\": \"peot\""), {"did you mean \"poet\""});
  expect_says(refused("\"kind\": \"merge\"", "\"kind\": \"merg\""), {"did you mean \"merge\""});
  expect_says(refused("\"every\"", "\"evry\""), {"did you mean \"every\""});
  expect_says(refused("\"half\" }", "\"hlf\" }"), {"did you mean \"half\""});
}

TEST(Method, EveryProblemIsReportedAtOnce) {
  const std::string message =
      refused("\"block_size\": \"size * 2\"", "\"block_size\": 1, \"cayley\": \"exat\"");
  expect_says(message, {"an integer of at least 2", "did you mean \"exact\""});
}

TEST(Method, AnUpdateHasExactlyOneLearningRateAfterItsMoments) {
  expect_says(refused(", { \"kind\": \"learning_rate\", \"value\": \"half\" }", ""),
              {"#/groups/0/update", "no \"learning_rate\""});
  expect_says(refused("{ \"kind\": \"adam\" }, ", "{ \"kind\": \"learning_rate\", \"value\": 1 }, "),
              {"#/groups/0/update/1", "a second \"learning_rate\""});
  expect_says(refused("\"value\": \"half\" }", "\"value\": \"half\" }, { \"kind\": \"momentum\" }"),
              {"#/groups/0/update/2", "\"momentum\" after \"learning_rate\""});
  EXPECT_EQ(
      refused("\"value\": \"half\" }", "\"value\": \"half\" }, { \"kind\": \"weight_decay\", \"rate\": 1 }"),
      "");
}

TEST(Method, AnEventWithoutATimeIsRefused) {
  expect_says(refused(", \"every\": 10, \"at\": [3]", ""),
              {"#/groups/0/events/0", "neither \"every\" nor \"at\""});
}

TEST(Method, AFailingConstantAndAnOpenBraceAreReported) {
  expect_says(refused("\"rate / 2\"", "\"rate / 0\""), {"#/constants/half", "divides by zero"});
  expect_says(refused("\"*.weight\"", "\"*.{weight\""), {"#/groups/0/parameters"});
}

TEST(MethodFit, ABlockSizeThatDoesNotDivideIsShownWithTheWeightAndANearerOne) {
  const core::Document poet = core::read_document(kRoot + "methods/poet_bs.json");
  const std::string message = fit(poet, model("llama"), {{"block_size", 48}});
  expect_says(message, {"poet_bs.json:",
                        "#/groups/0/parametrization/block_size: found 48; expected a divisor of 320 and 128; "
                        "because \"layers.0.mlp.gate.weight\" is [320, 128]; did you mean 64?"});
}

TEST(MethodFit, AParameterWithoutAGroupIsNamed) {
  core::Document adamw = core::read_document(kRoot + "methods/adamw.json");
  adamw.root["groups"][0]["parameters"] = "layers.*";
  expect_says(fit(adamw, model("llama")), {"found no group for \"embed.weight\"", "\"parameters\": \"*\""});
}

TEST(MethodFit, AGroupThatNamesNothingIsReported) {
  const core::Document poet = core::read_document(kRoot + "methods/poet_bs.json");
  expect_says(fit(poet, model("mlp_mnist")), {"#/groups/0/parameters", "names a parameter"});
}

TEST(MethodFit, PoetRefusesVectors) {
  const std::string text = changed("\"*.weight\"", "\"*\"");
  expect_says(fit(document(text), model("gpt2")), {"poet rotates matrices", "did you mean \"dense\""});
}

TEST(MethodFit, PairsThatAreNotInTheGraphAreReportedWithWhatIsThereAndWhatIsNotAndWhy) {
  const core::Document wisca = core::read_document(kRoot + "methods/wisca.json");
  expect_says(fit(wisca, model("mlp_mnist")), {"#/events/0/pairs/0", "one of \"fc1-fc2\", \"fc2-fc3\""});
  expect_says(fit(wisca, model("llama_qknorm")),
              {"#/events/0/pairs/0", "\"qn-kn\"", "q rows: rms_norm takes out the size of what it reads"});
  core::Document wrong = wisca;
  wrong.root["events"][0]["pairs"][1] = "gate-down";
  expect_says(fit(wrong, model("llama")), {"#/events/0/pairs/1", "found \"gate-down\"", "\"up-down\"",
                                           "gate rows: silu is not homogeneous"});
}

core::Document with_event(const std::string& file, const Json& more) {
  core::Document method = core::read_document(kRoot + "methods/" + file + ".json");
  Json event = {{"kind", "rescale"}, {"pairs", {"*"}}, {"every", 5}};
  event.update(more);
  method.root["events"] = Json::array({event});
  return method;
}

TEST(MethodFit, AGranularityThatAFamilyLacksIsRefusedWithTheReason) {
  for (const char* granularity : {"tensor", "channel"})
    EXPECT_EQ(fit(with_event("adamw", {{"granularity", granularity}}), model("llama_qknorm")), "");
  EXPECT_EQ(
      fit(with_event("adamw", {{"granularity", "kv_group"}, {"pairs", {"q-k", "v-*"}}}), model("llama")), "");
  expect_says(fit(with_event("adamw", {{"granularity", "kv_group"}, {"pairs", {"up-down"}}}), model("llama")),
              {"#/events/0/granularity", "one of \"tensor\", \"channel\"", "\"up-down\" has no key heads"});
  expect_says(
      fit(with_event("adamw", {{"granularity", "kv_group"}, {"pairs", {"qn-kn"}}}), model("llama_qknorm")),
      {"#/events/0/granularity", "all slices share one gain"});
}

TEST(MethodFit, WeightsStoredInBytesTakeOneFactorInAll) {
  EXPECT_EQ(fit(with_event("poet_xq", {{"pairs", {"v-o"}}}), model("llama")), "");
  expect_says(fit(with_event("poet_xq", {{"pairs", {"v-o"}}, {"granularity", "channel"}}), model("llama")),
              {"#/events/0/granularity", "\"layers.0.attn.v.weight\" is stored in bytes"});
}

TEST(MethodFit, RatesStandForFactorsOnlyWhereAStepMayBeSizedForThem) {
  const Json rates = {{"apply", "rates"}, {"pairs", {"q-k"}}};
  EXPECT_EQ(fit(with_event("adamw", rates), model("llama")), "");
  expect_says(fit(with_event("poet_bs", rates), model("llama")), {"#/events/0/apply", "feel no factor"});
  core::Document coupled = with_event("adamw", rates);
  Json& chain = coupled.root["groups"][0]["update"];
  std::swap(chain[0], chain[1]);
  expect_says(fit(coupled, model("llama")), {"#/events/0/apply", "\"weight_decay\" stands before \"adam\""});
  core::Document muon =
      with_event("adamw", {{"apply", "rates"}, {"pairs", {"q-k"}}, {"granularity", "channel"}});
  Json matrices = muon.root["groups"][0];
  matrices["parameters"] = "layers.*.{attn,mlp}.*.weight";
  matrices["update"] = {{{"kind", "muon"}, {"learning_rate", 0.01}}};
  muon.root["groups"].insert(muon.root["groups"].begin(), matrices);
  expect_says(fit(muon, model("llama")), {"#/events/0/apply", "looks at whole matrices"});
  muon.root["events"][0]["granularity"] = "tensor";
  EXPECT_EQ(fit(muon, model("llama")), "");
}

TEST(MethodFit, AMergeNeedsCoordinatesAndARescaleInAGroupItsWholePair) {
  core::Document adamw = core::read_document(kRoot + "methods/adamw.json");
  adamw.root["events"] = Json::array({{{"kind", "merge"}, {"every", 5}}});
  expect_says(fit(adamw, model("llama")), {"#/events/0", "nothing to merge"});
  core::Document poet = core::read_document(kRoot + "methods/adamw.json");
  Json queries = poet.root["groups"][0];
  queries["parameters"] = "*.q.weight";
  queries["events"] = Json::array({{{"kind", "rescale"}, {"pairs", {"q-k"}}, {"every", 5}}});
  poet.root["groups"].insert(poet.root["groups"].begin(), queries);
  expect_says(fit(poet, model("llama")),
              {"#/groups/0/events/0/pairs/0", "\"layers.0.attn.k.weight\" is not"});
}

TEST(Method, EveryShippedMethodFitsTheModelsItIsFor) {
  std::size_t read_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot + "methods")) {
    if (!entry.is_regular_file()) continue;
    const core::Document method = core::read_document(entry.path());
    for (const char* name : {"llama", "gpt2"})
      EXPECT_EQ(fit(method, model(name)), "") << entry.path() << name;
    ++read_files;
  }
  EXPECT_GE(read_files, 6U);
}

}  // namespace
}  // namespace isorbit::experiments
