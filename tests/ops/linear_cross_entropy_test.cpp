// The head of a language model in one node: when it stands for the graph's nodes, and that it computes the
// same.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using namespace core;

std::size_t count(const Graph& graph, const std::string& op) {
  return static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) { return n.op->name == op; }));
}

/// The largest tensor the graph makes, in elements.
std::int64_t largest(const Graph& graph) {
  std::int64_t most = 0;
  for (const Value& v : graph.values)
    if (v.role == Role::computed) most = std::max(most, v.type.shape.elements());
  return most;
}

/// loss = cross_entropy(x mix W^T, t) over two sequences; tied: rows of W are added to x.
struct Model {
  std::int64_t rows = 6, width = 4, classes = 29;
  bool tied = false, trains_weight = true, bias = false, keeps_logits = false;

  [[nodiscard]] std::vector<Operand> operands() const {
    std::vector<Operand> all = {normal({2, rows / 2, width}, "x"), normal({classes, width}, "w"),
                                indices({2, rows / 2}, classes, false, "t"), normal({width, width}, "mix")};
    if (bias) all.push_back(normal({classes}, "b"));
    for (double& w : all[1].values) w = static_cast<float>(0.2 * w);
    return all;
  }

  [[nodiscard]] Graph graph() const {
    Graph g;
    const std::vector<Operand> all = operands();
    ValueId x = g.add_input("in0", all[0].type);
    const auto parameter = [&](std::size_t i, bool trainable) {
      return g.add_parameter(input_name(i), all[i].type, trainable, {{"kind", "zeros"}});
    };
    const ValueId w = parameter(1, trains_weight), t = g.add_input("in2", all[2].type);
    const ValueId mix = parameter(3, true);
    Builder build(g, all_ops());
    if (tied) x = build.op("add", {x, build.op("gather", {w, t}, {{"axis", 0}})});
    std::vector<ValueId> in = {build.op("matmul", {x, mix}), w};
    if (bias) in.push_back(parameter(4, true));
    const ValueId logits = build.op("matmul", in, {{"transpose_b", true}});
    g.outputs = {{"loss", build.op("cross_entropy", {logits, t})}};
    if (keeps_logits) g.outputs.push_back({"logits", logits});
    return g;
  }

  [[nodiscard]] Graph training() const { return simplify(differentiate(graph(), all_ops())); }
};

void expect_right(const Model& model, const Graph& graph, double bound) {
  const auto expected = evaluate(model.training(), reference_inputs(model.operands()));
  const Result found = run(graph, model.operands(), 2);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    EXPECT_LE(relative_error(found.outputs[i], expected.at(graph.outputs[i].name)), bound)
        << graph.outputs[i].name;
}

TEST(LinearCrossEntropy, StandsForTheHeadOfATrainedModelAndComputesTheSame) {
  for (const bool tied : {false, true}) {
    const Model model{.tied = tied};
    const Graph fused = fuse(model.training(), all_ops());
    EXPECT_EQ(count(fused, "linear_cross_entropy_grad"), 1U);
    EXPECT_EQ(count(fused, "cross_entropy") + count(fused, "cross_entropy_grad"), 0U);
    EXPECT_LT(largest(fused), model.rows * model.classes) << "a tensor as large as the logits";
    expect_right(model, fused, 2e-5);
  }
}

TEST(LinearCrossEntropy, StandsForAHeadWhoseWeightIsFrozen) {
  const Model model{.trains_weight = false};
  const Graph fused = fuse(model.training(), all_ops());
  EXPECT_EQ(count(fused, "linear_cross_entropy_grad"), 1U);
  EXPECT_LT(largest(fused), model.rows * model.classes);
  expect_right(model, fused, 2e-5);
}

TEST(LinearCrossEntropy, StandsForTheHeadOfAValidation) {
  const Model model;
  const Graph fused = fuse(model.graph(), all_ops());
  EXPECT_EQ(count(fused, "linear_cross_entropy"), 1U);
  EXPECT_LT(largest(fused), model.rows * model.classes);
  expect_right(model, fused, 2e-5);
}

TEST(LinearCrossEntropy, LeavesAHeadWhoseLogitsAreAskedFor) {
  const Model model{.keeps_logits = true};
  for (const Graph& graph : {model.graph(), model.training()})
    EXPECT_EQ(dump_text(fuse(graph, all_ops())), dump_text(graph));
}

TEST(LinearCrossEntropy, LeavesAHeadWithABias) {
  const Model model{.bias = true};
  EXPECT_EQ(dump_text(fuse(model.training(), all_ops())), dump_text(model.training()));
}

TEST(LinearCrossEntropy, AddsUpTheWeightsGradientOverChunksOfRows) {
  const Model model{.rows = 600, .classes = 17000};  // more logits than exist at a time
  expect_right(model, fuse(model.training(), all_ops()), 2e-5);
}

TEST(LinearCrossEntropy, DoesNotDependOnTheNumberOfThreads) {
  for (const Model& model : {Model{.rows = 600, .classes = 17000}, Model{.rows = 998, .classes = 301}}) {
    const Graph fused = fuse(model.training(), all_ops());
    EXPECT_EQ(run(fused, model.operands(), 1).outputs, run(fused, model.operands(), 2).outputs);
    EXPECT_EQ(run(fused, model.operands(), 1).outputs, run(fused, model.operands(), 3).outputs);
  }
}

TEST(LinearCrossEntropy, RefusesATargetThatIsNoClass) {
  const std::vector<Operand> operands = {normal({2, 4}, "x"), normal({3, 4}, "w"), indices({2}, {0, 3})};
  EXPECT_THROW(run("linear_cross_entropy", operands), std::out_of_range);
}

}  // namespace

}  // namespace isorbit::ops::testing
