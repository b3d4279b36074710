// SwiGLU in one node: when it stands for the graph's nodes, and that it computes the same.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using namespace core;

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.op->name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Operand> operands() {
  return {normal({5, 7}, "gate"), normal({5, 7}, "up"), normal({5, 7}, "dy")};
}

/// loss = sum of silu(gate) up dy, with the factors of the first product in either order.
Graph graph_of(bool up_first, bool keeps_activation) {
  Graph g;
  const std::vector<ValueId> in = add_operands(g, operands(), true);
  Builder build(g, all_ops());
  const ValueId act = build.op("silu", {in[0]});
  const ValueId y = build.op("mul", up_first ? std::vector{in[1], act} : std::vector{act, in[1]});
  g.outputs = {{"loss", build.op("sum", {build.op("mul", {y, in[2]})}, {{"axes", {0, 1}}})}};
  if (keeps_activation) g.outputs.push_back({"act", act});
  return simplify(differentiate(g, all_ops()));
}

TEST(SwiGlu, StandsForItsProductsForwardAndBackward) {
  for (const bool up_first : {false, true}) {
    const Graph graph = graph_of(up_first, false), fused = fuse(graph, all_ops());
    const std::vector<std::string> names = ops_of(fused);
    EXPECT_EQ(std::count(names.begin(), names.end(), "swiglu"), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), "swiglu_grad"), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), "silu"), 0);
    EXPECT_EQ(std::count(names.begin(), names.end(), "silu_grad"), 0);
    const auto expected = evaluate(graph, reference_inputs(operands()));
    const Result found = run(fused, operands());
    for (std::size_t i = 0; i < graph.outputs.size(); ++i)
      EXPECT_LE(relative_error(found.outputs[i], expected.at(graph.outputs[i].name)), 2e-5);
  }
}

TEST(SwiGlu, LeavesAnActivationThatIsAskedFor) {
  const std::vector<std::string> names = ops_of(fuse(graph_of(false, true), all_ops()));
  EXPECT_EQ(std::count(names.begin(), names.end(), "swiglu"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "silu"), 1);
}

TEST(SwiGlu, StaysFiniteFarOut) {
  const Operand gate = numbers({4}, {-1e4, -100, 100, 1e4}), ones = numbers({4}, {1, 1, 1, 1});
  EXPECT_EQ(run("swiglu", {gate, ones}).outputs[0], (std::vector<float>{0, 0, 100, 1e4}));
  const auto gradients = run("swiglu_grad", {gate, ones, ones}).outputs;
  EXPECT_EQ(gradients[0], (std::vector<float>{0, 0, 1, 1}));
  EXPECT_EQ(gradients[1], (std::vector<float>{0, 0, 100, 1e4}));
}

}  // namespace

}  // namespace isorbit::ops::testing
