// The model document: what is built from a sound one, and what is said about a faulty one.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

/// Two repeated layers of one gain in a block of its own, a table in front and a shared weight at the end.
const char* const kModel = R"({
  "name": "toy",
  "constants": { "batch": 2, "width": 4, "depth": 2, "vocab": "2 * width", "tied": 0 },
  "sizes": { "wide": { "width": 8 } },
  "inputs": { "tokens": { "shape": ["batch"], "type": "token", "below": "vocab" } },
  "blocks": {
    "inner": { "inputs": ["x"], "output": "g", "nodes": [ { "id": "g", "op": "gain", "in": "x", "units": "width" } ] },
    "layer": { "inputs": ["x"], "output": "y", "nodes": [
      { "id": "part", "block": "inner", "in": "x" },
      { "id": "y", "op": "plus", "in": ["x", "part"] } ] }
  },
  "nodes": [
    { "id": "embed", "op": "lookup", "in": "tokens", "rows": "vocab", "units": "width" },
    { "id": "layers", "block": "layer", "in": "embed", "repeat": "depth" },
    { "id": "head", "op": "gain", "in": "layers", "units": "width", "bias": true, "when": "not tied" },
    { "id": "head", "op": "gain", "in": "layers", "units": "width", "when": "tied", "tie": { "weight": "layers.0.part.g.weight" } },
    { "id": "loss", "op": "total", "in": "head" }
  ],
  "loss": "loss",
  "outputs": { "logits": "head" }
})";

Json model() { return Json::parse(kModel); }

Model read(const Json& json, const std::string& size = {}, const Json& overrides = Json::object()) {
  static const OpSet ops = toy::ops();
  return read_model(parse_document(json.dump(2), "toy.json"), ops, size, overrides);
}

/// What is said about a document; empty when nothing is.
std::vector<std::string> complaints(const Json& json, const std::string& size = {},
                                    const Json& overrides = Json::object()) {
  std::vector<std::string> texts;
  try {
    (void)read(json, size, overrides);
  } catch (const DocumentError& error) {
    for (const Problem& problem : error.problems()) {
      const std::string text = problem.text();
      texts.push_back(text.substr(text.find('#')));
    }
  }
  return texts;
}

/// Exactly one complaint, which holds every part.
void expect_one(const Json& json, const std::vector<std::string>& parts,
                const Json& overrides = Json::object()) {
  const auto texts = complaints(json, {}, overrides);
  ASSERT_EQ(texts.size(), 1U) << ::testing::PrintToString(texts);
  for (const std::string& part : parts) EXPECT_NE(texts[0].find(part), std::string::npos) << texts[0];
}

Json node(const char* text) { return Json::parse(text); }

TEST(ReadModel, NamesNodesAndWeightsByTheirPathWithAnIndexForRepeats) {
  const Model m = read(model());
  std::vector<std::string> parameters;
  for (const Parameter& p : m.graph.parameters) parameters.push_back(m.graph.value(p.value).name);
  EXPECT_EQ(parameters, (std::vector<std::string>{"embed.weight", "layers.0.part.g.weight",
                                                  "layers.1.part.g.weight", "head.weight", "head.bias"}));
  EXPECT_EQ(m.graph.nodes.at(1).name, "layers.0.part.g");
  EXPECT_EQ(m.graph.nodes.at(1).pointer, "/blocks/inner/nodes/0");
  EXPECT_EQ(m.graph.shape(*m.graph.output("logits")), (Shape{2, 4}));
  ASSERT_EQ(m.inputs.size(), 1U);
  EXPECT_EQ(m.inputs[0].below, 8);
  EXPECT_EQ(m.inputs[0].type.dtype, DType::s32);
}

TEST(ReadModel, LetsASizeAndThenOverridesSetConstants) {
  EXPECT_EQ(read(model(), "wide").constants.at("vocab"), 16);
  const Model m = read(model(), "wide", {{"width", "4 + 2"}, {"depth", 3}});
  EXPECT_EQ(m.constants.at("width"), 6);
  EXPECT_EQ(m.constants.at("vocab"), 12);
  EXPECT_NE(m.graph.parameter("layers.2.part.g.weight"), nullptr);
}

TEST(ReadModel, SharesATiedWeight) {
  const Model m = read(model(), {}, {{"tied", 1}});
  EXPECT_EQ(m.graph.parameter("head.weight"), nullptr);
  EXPECT_EQ(m.graph.parameters.size(), 3U);
  for (const Node& n : m.graph.nodes) {
    if (n.name != "head") continue;
    EXPECT_EQ(n.inputs.at(1), m.graph.parameter("layers.0.part.g.weight")->value);
  }
}

TEST(ReadModel, TakesAWeightFromANodeWrittenLater) {
  Json json = model();
  std::swap(json["nodes"][0], json["nodes"][4]);
  EXPECT_TRUE(complaints(json).empty());
  json = model();
  json["nodes"][1]["in"] = "first";
  json["nodes"].push_back(node(R"({"id": "first", "op": "gain", "in": "embed", "units": "width"})"));
  json["nodes"].push_back(node(
      R"({"id": "early", "op": "gain", "in": "embed", "units": "width", "tie": {"weight": "first.weight"}})"));
  json["outputs"]["early"] = "early";
  EXPECT_TRUE(complaints(json).empty()) << ::testing::PrintToString(complaints(json));
}

TEST(ReadModel, SetsTheFirstValuesOfAWeightAsWritten) {
  Json json = model();
  json["nodes"][0]["init"] = {{"weight", {{"kind", "normal"}, {"std", "1 / width"}}}};
  EXPECT_EQ(read(json).graph.parameter("embed.weight")->init.at("std"), 0.25);
}

TEST(ReadModel, ReportsEveryFaultOfADocumentAtOnce) {
  Json json = model();
  json["extra"] = 1;
  json["nodes"][0]["op"] = "lokup";
  json["nodes"][2]["unit"] = 3;
  json["blocks"]["layer"]["nodes"][1]["in"] = {"x", "prat"};
  const auto texts = complaints(json);
  ASSERT_EQ(texts.size(), 4U) << ::testing::PrintToString(texts);
}

TEST(ReadModel, SaysShapeFaultsWithTheNodesNameOnceForAllCopies) {
  Json json = model();
  json["blocks"]["inner"]["nodes"][0]["units"] = "width + 1";
  expect_one(json, {"#/blocks/inner/nodes/0/units: found 5; expected 4; because the input is [2, 4]",
                    "\"layers.0.part.g\""});
}

TEST(ReadModel, PointsAtTheInputAShapeRuleRefuses) {
  Json json = model();
  json["nodes"][4]["in"] = "h";
  json["nodes"].push_back(node(R"({"id": "sum", "op": "total", "in": "head"})"));
  json["nodes"].push_back(node(R"({"id": "h", "op": "plus", "in": ["head", "sum"]})"));
  expect_one(json, {"#/nodes/6/in/1: found []; expected [2, 4]", "\"h\""});
}

TEST(ReadModel, RefusesAnIndexWhereANumberIsWanted) {
  Json json = model();
  json["nodes"][4] = node(R"({"id": "loss", "op": "total", "in": "tokens"})");
  json["outputs"]["loss2"] = "head";
  expect_one(json, {"#/nodes/4/in: found s32[2]"});
}

TEST(ReadModel, SuggestsWhatAMistypedReferenceMeant) {
  Json json = model();
  json["nodes"][1]["in"] = "embd";
  expect_one(json, {"#/nodes/1/in: found \"embd\"", "did you mean \"embed\"?"});
}

TEST(ReadModel, SaysWhenAReferencedNodeIsLeftOut) {
  Json json = model();
  json["nodes"][3]["when"] = 0;
  json["outputs"] = Json::object();
  expect_one(json, {"#/nodes/4/in: found \"head\"", "\"when\" leaves"}, {{"tied", 1}});
}

TEST(ReadModel, NamesACycleOfNodes) {
  Json json = model();
  json["nodes"].push_back(node(R"({"id": "a", "op": "plus", "in": ["b", "embed"]})"));
  json["nodes"].push_back(node(R"({"id": "b", "op": "plus", "in": ["a", "embed"]})"));
  json["outputs"]["a"] = "a";
  const auto texts = complaints(json);
  ASSERT_EQ(texts.size(), 1U) << ::testing::PrintToString(texts);
  EXPECT_NE(texts[0].find("found the cycle a -> b -> a"), std::string::npos) << texts[0];
}

TEST(ReadModel, NamesACycleOfBlocksAndOfConstants) {
  Json json = model();
  json["blocks"]["inner"]["nodes"][0] = node(R"({"id": "g", "block": "layer", "in": "x"})");
  expect_one(json, {"the cycle inner -> layer -> inner"});
  json = model();
  json["constants"]["width"] = "vocab / 2";
  expect_one(json, {"cycle"});
}

TEST(ReadModel, RefusesTwoPresentNodesOfOneId) {
  expect_one(
      [] {
        Json json = model();
        json["nodes"][3].erase("when");
        json["nodes"][3].erase("tie");
        return json;
      }(),
      {"#/nodes/3/id: found \"head\"", "#/nodes/2 has it too"});
}

TEST(ReadModel, RefusesNodesBlocksAndInputsThatNothingUses) {
  Json json = model();
  json["nodes"].push_back(node(R"({"id": "idle", "op": "sign", "in": "embed"})"));
  expect_one(json, {"#/nodes/5/id: found \"idle\", which nothing uses"});
  json = model();
  json["blocks"]["spare"] = json["blocks"]["inner"];
  expect_one(json, {"#/blocks/spare", "nothing uses"});
  json = model();
  json["inputs"]["more"] = {{"shape", {1}}, {"type", "number"}};
  expect_one(json, {"#/inputs/more", "nothing uses"});
}

TEST(ReadModel, RefusesARepeatedBlockThatChangesTheShape) {
  Json json = model();
  json["blocks"]["layer"]["nodes"][1] = node(R"({"id": "y", "op": "total", "in": "part"})");
  json["blocks"]["layer"]["nodes"][0]["in"] = "x";
  expect_one(json, {"#/nodes/1/block: found an output of f32[]; expected f32[2, 4]", "\"layers.0\""});
}

TEST(ReadModel, ChecksTiesAndInits) {
  Json json = model();
  json["nodes"][2]["tie"] = {{"weight", "embed.weight"}};
  expect_one(json, {"#/nodes/2/tie/weight: found \"embed.weight\" of f32[8, 4]; expected f32[2, 4]"});
  json["nodes"][2]["tie"] = {{"weight", "embed.wieght"}};
  expect_one(json, {"did you mean \"embed.weight\"?"});
  json["nodes"][2]["tie"] = {{"wieght", "embed.weight"}};
  expect_one(json, {"#/nodes/2/tie/wieght", "did you mean \"weight\"?"});
  json["nodes"][2].erase("tie");
  json["nodes"][2]["init"] = {{"weight", {{"kind", "normal"}, {"std", -1}}}};
  expect_one(json, {"#/nodes/2/init/weight/std: found -1"});
}

TEST(ReadModel, CountsInputs) {
  Json json = model();
  json["nodes"][4]["in"] = Json::array({"head", "head"});
  expect_one(json, {"#/nodes/4/in: found 2 inputs; expected 1 (x)"});
  json["nodes"][4] = node(R"({"id": "loss", "op": "total"})");
  json["outputs"]["logits"] = "head";
  expect_one(json, {"#/nodes/4/in: found 0 inputs; expected 1 (x)"});
  json = model();
  json["nodes"][2].erase("in");
  json["outputs"]["layers"] = "layers";
  expect_one(json, {"#/nodes/2/in: found 0 inputs"});
}

TEST(ReadModel, RefusesUnknownSizesAndConstants) {
  EXPECT_NE(complaints(model(), "wid").at(0).find("did you mean \"wide\"?"), std::string::npos);
  EXPECT_NE(complaints(model(), {}, {{"widht", 3}}).at(0).find("did you mean \"width\"?"), std::string::npos);
  Json json = model();
  json["sizes"]["wide"]["dept"] = 3;
  expect_one(json, {"#/sizes/wide/dept", "did you mean \"depth\"?"});
}

TEST(ReadModel, ReportsAFailedConstantOnceAndNotWhereItIsUsed) {
  Json json = model();
  json["constants"]["width"] = "widt * 2";
  expect_one(json, {"#/constants/width"});
}

TEST(ReadModel, ChecksInputs) {
  Json json = model();
  json["inputs"]["tokens"].erase("below");
  expect_one(json, {"#/inputs/tokens: found no \"below\""});
  json = model();
  json["inputs"]["tokens"]["shape"] = {"batch", 0};
  expect_one(json, {"#/inputs/tokens/shape/1: found 0"});
  json["inputs"]["tokens"]["shape"] = {1e9, 1e9};
  expect_one(json, {"#/inputs/tokens/shape: found [1000000000, 1000000000]; expected at most 2^40 elements"});
}

TEST(ReadModel, HoldsTheLimitsOfNodesRepeatsNestingAndParameters) {
  expect_one(model(), {"#/nodes/1/repeat", "1024"}, {{"depth", 2000}});
  Json json = model();
  json["blocks"]["outer"] = node(R"({"inputs": ["x"], "output": "l",
      "nodes": [{"id": "l", "block": "layer", "in": "x", "repeat": 1000}]})");
  json["nodes"][1] = node(R"({"id": "layers", "block": "outer", "in": "embed", "repeat": 1000})");
  json["nodes"].erase(3);
  expect_one(json, {"2000003 nodes in all; expected at most 100000"});
  json = model();
  for (int i = 0; i < 40; ++i)
    json["blocks"]["b" + std::to_string(i)] = {
        {"inputs", {"x"}},
        {"output", "y"},
        {"nodes",
         {{{"id", "y"},
           {"block", i == 0 ? std::string("layer") : "b" + std::to_string(i - 1)},
           {"in", "x"}}}}};
  json["nodes"][1]["block"] = "b39";
  expect_one(json, {"blocks nested 33 deep; expected at most 32"});
  expect_one(model(), {"2^36"}, {{"vocab", "2 ** 35"}});
}

TEST(ReadModel, AsksForALossOfOneNumber) {
  Json json = model();
  json["loss"] = "head";
  json["outputs"]["sum"] = "loss";
  expect_one(json, {"#/loss: found f32[2, 4]; expected one number"});
  json["loss"] = "tokens";
  json["outputs"]["logits"] = "head";
  EXPECT_EQ(complaints(json).size(), 1U);
}

TEST(ReadModel, SurvivesEveryKindOfValueInEveryPlace) {
  const Json whole = model().flatten();
  std::size_t refused = 0;
  for (const auto& [pointer, value] : whole.items()) {
    for (std::string at = pointer; !at.empty(); at.resize(at.rfind('/'))) {
      for (const Json& wrong : {Json(), Json(-1), Json(""), Json(1e300), Json::array(), Json::object(),
                                Json(true), Json("no such"), Json("1 / 0"), Json::array({Json::object()})}) {
        Json json = model();
        json[Json::json_pointer(at)] = wrong;
        refused += complaints(json).empty() ? 0 : 1;
      }
      Json json = model();
      Json& parent = json[Json::json_pointer(at.substr(0, at.rfind('/')))];
      if (parent.is_object()) {
        parent.erase(at.substr(at.rfind('/') + 1));
        refused += complaints(json).empty() ? 0 : 1;
      }
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_FALSE(complaints(Json::array()).empty());
  EXPECT_FALSE(complaints(Json(3)).empty());
}

TEST(ReadModel, SortsALongChainWrittenBackwards) {
  Json json = node(
      R"({"name": "chain", "inputs": {"x": {"shape": [1], "type": "number"}}, "nodes": [], "loss": "n50000"})");
  for (int i = 50000; i > 0; --i)
    json["nodes"].push_back({{"id", "n" + std::to_string(i)},
                             {"op", "sign"},
                             {"in", i == 1 ? "x" : "n" + std::to_string(i - 1)}});
  EXPECT_EQ(read(json).graph.nodes.size(), 50000U);
}

TEST(ModelSpec, DescribesTheAttributesOfEveryOp) {
  const std::string schema = json_schema(model_spec(toy::ops()), "model").dump();
  for (const char* word : {"\"gain\"", "\"units\"", "\"repeat\"", "\"below\"", "\"outputs\"", "\"tie\""})
    EXPECT_NE(schema.find(word), std::string::npos) << word;
}

}  // namespace
}  // namespace isorbit::core
