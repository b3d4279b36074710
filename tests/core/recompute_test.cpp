// Activation recomputation gives up time for memory and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/passes/compile.hpp"
#include "core/random/philox.hpp"
#include "ops/registry.hpp"

namespace isorbit::core {

namespace {

/// A model of four equal blocks with a product, an activation and a normalisation each.
Graph model(const OpSet& ops, std::int64_t blocks) {
  Graph graph;
  ValueId x = graph.add_input("x", {{64, 32}});
  Builder build(graph, ops);
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::string name = "layers." + std::to_string(i);
    build.origin(name, {});
    const ValueId up = graph.add_parameter(name + ".up", {{96, 32}}, true, {{"kind", "zeros"}});
    const ValueId down = graph.add_parameter(name + ".down", {{32, 96}}, true, {{"kind", "zeros"}});
    const ValueId gain = graph.add_parameter(name + ".gain", {Shape{32}}, true, {{"kind", "zeros"}});
    const ValueId n = build.op("rms_norm", {x, gain});
    const ValueId h = build.op("silu", {build.op("matmul", {n, up}, {{"transpose_b", true}})});
    x = build.op("add", {x, build.op("matmul", {h, down}, {{"transpose_b", true}})});
  }
  build.origin("head", {});
  const ValueId targets = graph.add_input("targets", {{64}, DType::s32});
  graph.outputs.push_back({"loss", build.all("cross_entropy", {x, targets})[0]});
  return graph;
}

struct Result {
  std::map<std::string, std::vector<float>> outputs;
  std::size_t arena = 0, steps = 0;
};

Result run(Recompute policy) {
  const OpSet ops(ops::registered());
  Engine engine(2);
  TensorStore store;
  CompileOptions options;
  options.recompute = policy;
  Program program = compile(model(ops, 4), ops, options, engine, store);
  for (const auto& [name, tensor] : store.tensors()) {
    const Philox random(3, stream_of(name));
    std::uint64_t i = 0;
    for (float& value : tensor.values()) value = 0.2F * static_cast<float>(random.normal(i++));
  }
  const Philox random(4, 0);
  std::uint64_t i = 0;
  for (float& value : program.input("x")) value = static_cast<float>(random.normal(i++));
  for (std::int32_t& value : program.input_indices("targets"))
    value = static_cast<std::int32_t>(random.below(i++, 32));
  program.run();
  Result result{{}, program.arena_bytes(), program.steps().size()};
  for (const GraphOutput& output : program.graph().outputs) {
    const std::span<float> values = program.output(output.name);
    result.outputs[output.name] = {values.begin(), values.end()};
  }
  return result;
}

TEST(Recompute, ChangesNoBitOfTheLossOrOfAnyGradient) {
  const Result kept = run(Recompute::none);
  ASSERT_EQ(kept.outputs.size(), 13U);
  EXPECT_EQ(run(Recompute::automatic).outputs, kept.outputs);
  EXPECT_EQ(run(Recompute::full).outputs, kept.outputs);
}

TEST(Recompute, TradesNodesForMemory) {
  const Result kept = run(Recompute::none), cheap = run(Recompute::automatic), full = run(Recompute::full);
  EXPECT_GT(cheap.steps, kept.steps);
  EXPECT_GT(full.steps, kept.steps);
  EXPECT_LT(cheap.arena, kept.arena);
  EXPECT_LT(full.arena, cheap.arena);
}

TEST(Recompute, RunsNoProductTwiceUnlessAllIsRecomputed) {
  const OpSet ops(ops::registered());
  const auto products = [&](Recompute policy) {
    CompileOptions options;
    options.recompute = policy;
    const Graph graph = transform(model(ops, 4), ops, options);
    return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                         [](const Node& node) { return !node.op->narrow.operands.empty(); });
  };
  EXPECT_EQ(products(Recompute::automatic), products(Recompute::none));
  EXPECT_GT(products(Recompute::full), products(Recompute::none));
}

TEST(Recompute, OfALastBlockKeepsWhatItsGradientNeedsFirst) {
  const OpSet ops(ops::registered());
  CompileOptions options;
  options.recompute = Recompute::full;
  const Graph graph = transform(model(ops, 4), ops, options);
  for (const Node& node : graph.nodes) {
    if (node.name.ends_with(".again")) {
      EXPECT_FALSE(node.name.starts_with("layers.3")) << node.name;
    }
  }
}

}  // namespace

}  // namespace isorbit::core
