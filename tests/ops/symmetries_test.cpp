// The scaling families of the models that ship, and that they keep outputs, in double.
#include "core/passes/symmetries.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "core/passes/passes.hpp"
#include "core/random/philox.hpp"
#include "core/runtime/reference.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit {
namespace {

using core::Json;
using core::ScaledWeight;
using core::ScalingFamily;
using Strings = std::vector<std::string>;

core::Model model(const std::string& name, const Json& constants = Json::object(),
                  const std::string& size = {}) {
  const auto file = std::filesystem::path(ISORBIT_SOURCE_DIR) / "experiments/models" / (name + ".json");
  return core::read_model(core::read_document(file), ops::testing::all_ops(), size, constants);
}

core::Model small(const std::string& name, const Json& more = Json::object()) {
  Json constants = {{"batch", 2},  {"seq", 6},   {"vocab", 16}, {"depth", 2},
                    {"width", 16}, {"heads", 4}, {"ffn", 12}};
  if (name == "mlp_mnist") constants = {{"batch", 3}, {"pixels", 9}, {"width", 7}};
  constants.update(more);
  return model(name, constants);
}

struct Named {
  const char* name;
  Json constants;
};
const std::vector<Named> kModels = {
    {"llama", {{"kv_heads", 2}}}, {"llama", {{"kv_heads", 4}, {"tied", 1}}}, {"llama", {{"kv_heads", 1}}},
    {"gpt2", Json::object()},     {"llama_qknorm", {{"kv_heads", 2}}},       {"mlp_mnist", Json::object()}};

const ScalingFamily& first(const core::Symmetries& found, const std::string& kind) {
  const auto at = std::ranges::find(found.families, kind, &ScalingFamily::kind);
  if (at == found.families.end()) throw std::runtime_error("no " + kind);
  return *at;
}

bool says(const core::Symmetries& found, const std::string& line) {
  const Strings reasons = found.reasons();
  return std::ranges::find(reasons, line) != reasons.end();
}

TEST(Symmetries, OfLlamaAreItsNormGainsAttentionPairsAndMlp) {
  const core::Symmetries found = core::symmetries(small("llama", {{"kv_heads", 2}}).graph);
  EXPECT_EQ(found.kinds(), (Strings{"n1-q,k,v", "q-k", "v-o", "n2-gate,up", "up-down", "norm-head"}));
  EXPECT_EQ(found.families.size(), 11U);
  EXPECT_EQ(first(found, "q-k").name, "layers.0.attn.q~layers.0.attn.k");
  EXPECT_TRUE(says(found, "gate rows: silu is not homogeneous"));
  EXPECT_TRUE(says(found, "head rows: it is the model's \"logits\""));
  EXPECT_TRUE(says(found, "o rows: rms_norm takes out the size of what it reads, but for epsilon"));
  EXPECT_TRUE(says(found, "q-k per query head: the query heads of a group share their key head"));
  EXPECT_TRUE(says(found, "embed rows: a channel of the result holds all rows"));
}

TEST(Symmetries, TieRotaryPairsAndTheQueryHeadsOfAGroup) {
  // 4 query heads of 4 features on 2 key heads: a key head has 2 rotary pairs (0, 2), (1, 3).
  const core::Symmetries found = core::symmetries(small("llama", {{"kv_heads", 2}}).graph);
  const ScalingFamily& qk = first(found, "q-k");
  EXPECT_EQ(qk.generators, 4);
  EXPECT_EQ(qk.members[1].generators, (std::vector<std::int32_t>{0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(qk.members[0].generators,
            (std::vector<std::int32_t>{0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3}));
  EXPECT_EQ(qk.groups, (std::vector<std::int32_t>{0, 0, 1, 1}));
  const ScalingFamily& vo = first(found, "v-o");
  EXPECT_EQ(vo.generators, 8);  // no rope: every channel
  EXPECT_EQ(vo.groups, (std::vector<std::int32_t>{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(vo.members[1].axis, 1U);
  EXPECT_EQ(vo.members[1].generators,
            (std::vector<std::int32_t>{0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7}));
  EXPECT_EQ(first(found, "up-down").group_count, 0);
}

TEST(Symmetries, OfGpt2HaveBiasesThatFollowAndNoPairBehindGelu) {
  const core::Symmetries found = core::symmetries(small("gpt2").graph);
  EXPECT_EQ(found.kinds(), (Strings{"n1-q,k,v", "q-k", "v-o", "n2-up"}));
  const ScalingFamily& qk = first(found, "q-k");
  ASSERT_EQ(qk.members.size(), 4U);
  EXPECT_EQ(qk.generators, 16);
  EXPECT_EQ(qk.group_count, 4);
  EXPECT_TRUE(qk.members[1].is_offset && qk.members[1].parameter == "layers.0.attn.q.bias");
  EXPECT_TRUE(says(found, "up rows: gelu is not homogeneous"));
  EXPECT_TRUE(says(found, "down columns: gelu is not homogeneous"));
  const core::Symmetries tied = core::symmetries(small("llama", {{"tied", 1}}).graph);
  EXPECT_EQ(std::ranges::count(tied.kinds(), "norm-embed"), 0) << "the head's columns are the embedding's";
}

TEST(Symmetries, BehindQkNormArePairsOfGains) {
  const core::Symmetries found = core::symmetries(small("llama_qknorm", {{"kv_heads", 2}}).graph);
  const ScalingFamily& gains = first(found, "qn-kn");
  EXPECT_EQ(gains.members[0].generators, (std::vector<std::int32_t>{0, 1, 0, 1}));
  EXPECT_TRUE(gains.groups.empty()) << "all heads share the gains";
  EXPECT_TRUE(says(found, "qn-kn per slice: all slices share one gain"));
  EXPECT_TRUE(says(found, "q rows: rms_norm takes out the size of what it reads, but for epsilon"));
}

TEST(Symmetries, OfReluAreThoseOfItsLayers) {
  EXPECT_EQ(core::symmetries(small("mlp_mnist").graph).kinds(), (Strings{"fc1-fc2", "fc2-fc3"}));
}

/// Two layers of images with these nodes between "up" and "y".
core::Model between(const char* nodes) {
  const auto file = std::filesystem::path(ISORBIT_SOURCE_DIR) / "experiments/models/mlp_mnist.json";
  core::Document document = core::read_document(file);
  document.root["constants"] = {{"batch", 7}, {"pixels", 9}, {"classes", 7}, {"width", 7}};
  document.root["nodes"] =
      Json::parse(std::string(R"([{"id": "up", "op": "linear", "in": "images", "units": "width"},)") + nodes +
                  R"(, {"id": "fc3", "op": "linear", "in": "y", "units": "classes"},
                                           {"id": "loss", "op": "cross_entropy", "in": ["fc3", "labels"]}])");
  return core::read_model(document, ops::testing::all_ops());
}

struct Between {
  const char* nodes;
  double power;             // of what reads "y"
  std::int32_t generators;  // 1: all channels together
};
const std::vector<Between> kBetween = {
    {R"({"id": "y", "op": "relu_squared", "in": "up"})", -2, 7},
    {R"({"id": "s", "op": "sum", "in": "up", "axes": [-1], "keep": true}, {"id": "y", "op": "mul", "in": ["up", "b"]},
        {"id": "b", "op": "broadcast", "in": "s", "shape": [7, 7]})",
     -2, 1},
    {R"({"id": "m", "op": "mean", "in": "up", "axes": [0]}, {"id": "y", "op": "subtract", "in": ["up", "m"]})",
     -1, 7},
    {R"({"id": "p", "op": "matmul", "in": ["up", "up"], "transpose_b": true},
        {"id": "y", "op": "matmul", "in": ["p", "up"]})",
     -3, 1},
    {R"({"id": "y", "op": "gather", "in": ["up", "labels"], "axis": -1})", -1, 1},
    {R"({"id": "y", "op": "gather", "in": ["up", "labels"], "axis": 0})", -1, 7}};

TEST(Symmetries, FollowPowersSumsProductsAndIndices) {
  for (const Between& with : kBetween) {
    const core::Symmetries found = core::symmetries(between(with.nodes).graph);
    ASSERT_EQ(found.kinds(), (Strings{"up-fc3"})) << with.nodes;
    const ScalingFamily& family = found.families.front();
    EXPECT_EQ(family.generators, with.generators) << with.nodes;
    EXPECT_EQ(family.members.front().power, 1) << with.nodes;
    EXPECT_EQ(family.members.back().power, with.power) << with.nodes;
  }
}

using Tensors = std::map<std::string, std::vector<double>>;

core::ReferenceInputs drawn(const core::Model& m) {
  core::ReferenceInputs inputs;
  for (const core::ModelInput& input : m.inputs) {
    const core::Philox random(4, core::stream_of(input.name));
    for (std::int64_t i = 0; i < input.type.shape.elements(); ++i) {
      const auto at = static_cast<std::uint64_t>(i);
      if (input.type.dtype == core::DType::s32) {
        inputs.indices[input.name].push_back(
            static_cast<std::int32_t>(random.below(at, static_cast<std::uint64_t>(input.below))));
      } else {
        inputs.values[input.name].push_back(random.normal(at));
      }
    }
  }
  for (const core::Parameter& p : m.graph.parameters) {
    const std::string& name = m.graph.value(p.value).name;
    const core::Philox random(5, core::stream_of(name));
    for (std::int64_t i = 0; i < m.graph.shape(p.value).elements(); ++i)
      inputs.values[name].push_back(0.7 * random.normal(static_cast<std::uint64_t>(i)));
  }
  return inputs;
}

/// Multiplies the members by factor(generator)^power.
void scale(const core::Model& m, const ScalingFamily& family,
           const std::function<double(std::int32_t)>& factor, Tensors& tensors) {
  for (const ScaledWeight& member : family.members) {
    std::vector<double>& values = tensors.at(member.parameter);
    const core::Shape& shape = m.graph.shape(m.graph.parameter(member.parameter)->value);
    const auto columns = static_cast<std::size_t>(shape.rank() == 2 ? shape[1] : 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int32_t g = member.generators.at(member.axis == 0 ? i / columns : i % columns);
      if (g >= 0) values[i] *= std::pow(factor(g), member.power);
    }
  }
}

double moved(const core::Model& m, const ScalingFamily& family,
             const std::function<double(std::int32_t)>& factor) {
  const core::Graph graph = core::expand_all(m.graph, ops::testing::all_ops());
  core::ReferenceInputs inputs = drawn(m);
  const auto before = core::evaluate(graph, inputs);
  scale(m, family, factor, inputs.values);
  return ops::testing::relative_error(core::evaluate(graph, inputs).at("logits"), before.at("logits"));
}

/// Law 4, of everything the analysis finds, at its finest.
TEST(Symmetries, KeepTheLogitsForAnyFactorOfAnyGenerator) {
  for (const Named& named : kModels) {
    const core::Model m = small(named.name, named.constants);
    for (const ScalingFamily& family : core::symmetries(m.graph).families) {
      const core::Philox random(6, core::stream_of(family.name));
      const auto factor = [&](std::int32_t g) {
        return std::exp(random.normal(static_cast<std::uint64_t>(g)));
      };
      EXPECT_LE(moved(m, family, factor), 1e-11)
          << named.name << " " << named.constants << " " << family.name;
    }
  }
}

TEST(Symmetries, KeepTheLogitsBehindPowersSumsProductsAndIndices) {
  for (const Between& with : kBetween) {
    const core::Model m = between(with.nodes);
    for (const ScalingFamily& family : core::symmetries(m.graph).families)
      EXPECT_LE(moved(m, family, [](std::int32_t g) { return 1.5 + 0.25 * g; }), 1e-11) << with.nodes;
  }
}

/// The families are as fine as they may be: a factor for half of a generator's channels shows.
TEST(Symmetries, NoPartOfAGeneratorMayHaveAFactorOfItsOwn) {
  for (const Named& named : kModels) {
    const core::Model m = small(named.name, named.constants);
    for (ScalingFamily family : core::symmetries(m.graph).families) {
      for (ScaledWeight& member : family.members) {
        if (member.is_offset) continue;  // a bias of k alone moves nothing: softmax takes it out
        ScalingFamily part = family;
        part.members = {member};
        // Of q alone before a norm of q nothing is left but its epsilon.
        EXPECT_GT(moved(m, part, [](std::int32_t) { return 2.0; }), 1e-8)
            << family.name << " " << member.parameter;
      }
      ScaledWeight& member = family.members.front();
      if (std::ranges::count(member.generators, 0) < 2) continue;
      *std::ranges::find(member.generators, 0) = -1;
      EXPECT_GT(moved(m, family, [](std::int32_t) { return 2.0; }), 1e-4) << family.name;
    }
  }
}

/// As many factors as there are: every other diagonal scaling of a row or column shows in the logits.
TEST(Symmetries, WhatIsRefusedMovesTheLogits) {
  for (const Named& named : kModels) {
    const core::Model m = small(named.name, named.constants);
    for (const core::ScalingRefusal& refusal : core::symmetries(m.graph).refusals) {
      const core::Shape& shape = m.graph.shape(m.graph.parameter(refusal.parameter)->value);
      const std::size_t axis = refusal.kind.ends_with(" columns") ? 1 : 0;
      ScalingFamily alone;
      alone.members.push_back({refusal.parameter, axis, 1, false, {}});
      for (std::int64_t i = 0; i < shape[axis]; ++i)
        alone.members[0].generators.push_back(static_cast<std::int32_t>(i));
      const core::Philox random(7, 1);
      const auto factor = [&](std::int32_t g) { return 1 + random.uniform(static_cast<std::uint64_t>(g)); };
      EXPECT_GT(moved(m, alone, factor), 1e-4)
          << named.name << " " << refusal.parameter << " " << refusal.kind;
    }
  }
}

TEST(Symmetries, OfALargeModelAreFoundInATimeNobodyNotices) {
  const core::Model m = model(
      "llama",
      {{"depth", 24}, {"width", 2048}, {"heads", 16}, {"kv_heads", 4}, {"ffn", 5632}, {"vocab", 32000}});
  const core::Symmetries found = core::symmetries(m.graph);
  EXPECT_EQ(found.families.size(), 24U * 5 + 1);
  EXPECT_EQ(first(found, "q-k").generators, 4 * 64);
  EXPECT_EQ(first(found, "q-k").group_count, 4);
}

}  // namespace
}  // namespace isorbit
