// Rewriting weights, and expansion.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "core/runtime/reference.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

/// loss = total(x w) with the output y = x w.
struct Toy {
  OpSet ops = toy::ops();
  Graph graph;
  Toy() {
    Builder build(graph, ops, "layer", "/nodes/0");
    const ValueId x = graph.add_input("x", {{2}, DType::f32});
    const ValueId w = graph.add_parameter("w", {{2}, DType::f32}, true, {{"kind", "ones"}}, "/nodes/0");
    const ValueId y = build.op("times", {x, w});
    graph.outputs = {{"y", y}, {"loss", build.op("total", {y})}};
  }
};

/// W = base + delta, delta trained.
ValueId base_and_delta(Builder& b, const Parameter& p, const Value& value) {
  const ValueId base = b.graph().add_parameter(value.name + ".base", value.type, false, p.init, p.pointer);
  const ValueId delta =
      b.graph().add_parameter(value.name + ".delta", value.type, true, {{"kind", "zeros"}}, p.pointer);
  return b.op("plus", {base, delta});
}

TEST(Parametrize, PutsTheRewriteInPlaceOfTheWeightAndDropsTheWeight) {
  const Toy t;
  const Graph out = parametrize(t.graph, t.ops, {{"w", base_and_delta}});
  EXPECT_EQ(out.parameter("w"), nullptr);
  ASSERT_NE(out.parameter("w.base"), nullptr);
  EXPECT_FALSE(out.parameter("w.base")->trainable);
  const auto y = evaluate(out, {{{"x", {2, 3}}, {"w.base", {5, 7}}, {"w.delta", {1, -1}}}, {}}).at("y");
  EXPECT_EQ(y, (std::vector<double>{12, 18}));
}

TEST(Parametrize, LetsTheGradientPassReachTheCoordinates) {
  const Toy t;
  const Graph out = differentiate(parametrize(t.graph, t.ops, {{"w", base_and_delta}}), t.ops);
  EXPECT_FALSE(out.output("gradient/w").has_value());
  const auto g =
      evaluate(out, {{{"x", {2, 3}}, {"w.base", {5, 7}}, {"w.delta", {0, 0}}}, {}}).at("gradient/w.delta");
  EXPECT_EQ(g, (std::vector<double>{2, 3}));
}

TEST(Parametrize, CopiesAGraphWithoutRewritesAsItIs) {
  const Toy t;
  EXPECT_EQ(dump_text(parametrize(t.graph, t.ops, {})), dump_text(t.graph));
}

TEST(Parametrize, NamesTheNodesOfARewriteAfterTheWeight) {
  const Toy t;
  const Graph out = parametrize(t.graph, t.ops, {{"w", base_and_delta}});
  EXPECT_TRUE(out.nodes.at(0).name.starts_with("w.plus")) << out.nodes.at(0).name;
  EXPECT_EQ(out.nodes.at(0).pointer, "/nodes/0");
}

TEST(Parametrize, RefusesAnUnknownParameterAndARewriteOfAnotherShape) {
  const Toy t;
  EXPECT_THROW((void)parametrize(t.graph, t.ops, {{"v", base_and_delta}}), std::invalid_argument);
  const Realize scalar = [](Builder& b, const Parameter&, const Value&) {
    return b.op("fill", {}, {{"shape", Json::array()}, {"value", 0}});
  };
  EXPECT_THROW((void)parametrize(t.graph, t.ops, {{"w", scalar}}), std::logic_error);
}

TEST(Expand, RewritesExpansionsOfExpansionsAndKeepsTheNumbers) {
  const OpSet ops = toy::ops();
  Graph graph;
  const ValueId x = graph.add_input("x", {{2}, DType::f32});
  graph.add_node({&ops.at("fourth"), Json::object(), {x}, {}, "power", "/nodes/0"}, {graph.value(x).type});
  graph.outputs = {{"y", graph.nodes[0].outputs[0]}};
  const Graph out = expand(graph, ops);
  ASSERT_EQ(out.nodes.size(), 2U);
  for (const Node& node : out.nodes) {
    EXPECT_FALSE(node.op->expand);
    EXPECT_TRUE(node.name.starts_with("power.")) << node.name;
  }
  EXPECT_EQ(evaluate(out, {{{"x", {2, 3}}}, {}}).at("y"), (std::vector<double>{16, 81}));
}

}  // namespace
}  // namespace isorbit::core
