#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

Graph small(const OpSet& ops) {
  Graph graph;
  Builder build(graph, ops, "layer", "/nodes/1");
  const ValueId x = graph.add_input("x", {{2, 3}, DType::f32});
  const ValueId w = graph.add_parameter("w", {{2, 3}, DType::f32}, true, {{"kind", "normal"}, {"std", 0.5}});
  const ValueId y = build.op("times", {x, w});
  graph.outputs = {{"y", build.op("plus", {y, build.op("fill", {}, {{"shape", {2, 3}}, {"value", 4}})})}};
  return graph;
}

TEST(Dump, WritesEveryValueNodeAndOutputOnALineOfItsOwn) {
  const OpSet ops = toy::ops();
  EXPECT_EQ(dump_text(small(ops)),
            "input x f32[2, 3]\n"
            "parameter w f32[2, 3] trainable normal(std=0.5)\n"
            "layer.times.0 f32[2, 3] = times(x, w)  #/nodes/1\n"
            "layer.fill.1 f32[2, 3] = fill() {shape=[2,3], value=4}  #/nodes/1\n"
            "layer.plus.2 f32[2, 3] = plus(layer.times.0, layer.fill.1)  #/nodes/1\n"
            "output y = layer.plus.2\n");
}

TEST(Dump, DrawsAnEdgeForEveryUseInDot) {
  const OpSet ops = toy::ops();
  const std::string dot = dump_dot(small(ops));
  EXPECT_TRUE(dot.starts_with("digraph"));
  for (const char* edge : {"v0 -> n0", "v1 -> n0", "n0 -> n2", "n1 -> n2", "n2 -> o0"})
    EXPECT_NE(dot.find(edge), std::string::npos) << edge << "\n" << dot;
  EXPECT_NE(dot.find("value=4"), std::string::npos);
}

TEST(Dump, EscapesQuotesInDot) {
  const OpSet ops = toy::ops();
  Graph graph;
  graph.outputs = {{"y", graph.add_input("a\"b\\", {{1}, DType::f32})}};
  EXPECT_NE(dump_dot(graph).find("a\\\"b\\\\"), std::string::npos);
}

}  // namespace
}  // namespace isorbit::core
