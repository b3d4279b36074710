// The models that ship: every one reads at every size and becomes a graph with a gradient for every weight.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/passes/passes.hpp"
#include "core/passes/summary.hpp"
#include "core/runtime/reference.hpp"
#include "ops/registry.hpp"

namespace isorbit {
namespace {

using core::Json;

const core::OpSet& ops() {
  static const core::OpSet set(ops::registered());
  return set;
}

core::Document document(const std::string& name) {
  return core::read_document(std::filesystem::path(ISORBIT_SOURCE_DIR) / "experiments/models" /
                             (name + ".json"));
}

core::Model read(const std::string& name, const std::string& size = {},
                 const Json& overrides = Json::object()) {
  return core::read_model(document(name), ops(), size, overrides);
}

std::int64_t parameters(const core::Graph& graph) {
  std::int64_t total = 0;
  for (const core::Parameter& p : graph.parameters) total += graph.shape(p.value).elements();
  return total;
}

class Shipped : public ::testing::TestWithParam<const char*> {};

TEST_P(Shipped, ReadsAtEverySizeAndReachesEveryWeightWithAGradient) {
  std::vector<std::string> sizes{""};
  const core::Document shipped = document(GetParam());
  for (const auto& [size, values] : shipped.root.at("sizes").items()) sizes.push_back(size);
  for (const std::string& size : sizes) {
    const core::Model model = read(GetParam(), size);
    EXPECT_EQ(model.name, GetParam());
    ASSERT_TRUE(model.graph.output("logits").has_value());
    const core::Graph full = core::simplify(core::differentiate(core::expand(model.graph, ops()), ops()));
    for (const core::Parameter& p : model.graph.parameters)
      EXPECT_TRUE(full.output("gradient/" + model.graph.value(p.value).name))
          << model.graph.value(p.value).name;
    const core::Summary summary = core::summarize(full);
    EXPECT_GT(summary.flops, 2.0 * summary.forward_flops);  // a backward pass costs about two forward passes
    EXPECT_LT(summary.flops, 4.0 * summary.forward_flops);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Shipped, ::testing::Values("llama", "gpt2", "llama_qknorm", "mlp_mnist"));

TEST(Models, LlamaHasTheWeightsThatItsSizesSay) {
  const auto count = [](std::int64_t depth, std::int64_t width, std::int64_t ffn, std::int64_t vocab) {
    return depth * (4 * width * width + 3 * width * ffn + 2 * width) + 2 * vocab * width + width;
  };
  EXPECT_EQ(parameters(read("llama").graph), count(2, 128, 320, 256));
  EXPECT_EQ(parameters(read("llama", "micro").graph), count(2, 128, 320, 256));
  EXPECT_EQ(parameters(read("llama", "tiny").graph), count(6, 256, 704, 4096));
  EXPECT_EQ(parameters(read("llama", "small").graph), count(8, 512, 1280, 32000));
}

TEST(Models, LlamaTiesItsHeadAndGroupsItsQueriesWhenAsked) {
  const core::Model plain = read("llama"), tied = read("llama", {}, {{"tied", 1}}),
                    grouped = read("llama", {}, {{"kv_heads", 1}});
  EXPECT_EQ(parameters(plain.graph) - parameters(tied.graph), 256 * 128);
  EXPECT_EQ(tied.graph.parameter("head.weight"), nullptr);
  EXPECT_EQ(grouped.graph.shape(grouped.graph.parameter("layers.1.attn.k.weight")->value),
            (core::Shape{32, 128}));
}

TEST(Models, LlamaRefusesHeadsThatDoNotShareTheWidth) {
  EXPECT_THROW((void)read("llama", {}, {{"heads", 3}}), core::DocumentError);
  EXPECT_THROW((void)read("llama", {}, {{"kv_heads", 3}}), core::DocumentError);
}

TEST(Models, ALanguageModelOfZeroWeightsKnowsNothing) {
  const Json small = {{"batch", 1}, {"seq", 4}, {"width", 8}, {"heads", 2}, {"vocab", 11}};
  for (const char* name : {"llama", "llama_qknorm", "gpt2"}) {
    Json constants = small;
    if (std::string(name) != "gpt2") constants["kv_heads"] = 1;
    const core::Model model = read(name, {}, constants);
    const core::Graph graph = core::expand(model.graph, ops());
    core::ReferenceInputs at;
    for (const core::ModelInput& input : model.inputs) at.indices[input.name] = {1, 2, 3, 4};
    for (const core::Parameter& p : graph.parameters)
      at.values[graph.value(p.value).name].assign(static_cast<std::size_t>(graph.shape(p.value).elements()),
                                                  0.0);
    EXPECT_NEAR(core::evaluate(graph, at).at("loss")[0], std::log(11.0), 1e-12) << name;
  }
}

}  // namespace
}  // namespace isorbit
