#include "core/passes/summary.hpp"

#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

/// loss = total(x w w) over ten numbers.
struct Toy {
  OpSet ops = toy::ops();
  Graph graph;
  Toy() {
    Builder build(graph, ops);
    const ValueId x = graph.add_input("x", {{10}, DType::f32});
    const ValueId w = graph.add_parameter("w", {{10}, DType::f32}, true, {});
    graph.add_parameter("fixed", {{3}, DType::f32}, false, {});
    graph.outputs = {{"loss", build.op("total", {build.op("times", {build.op("times", {x, w}), w})})}};
  }
};

TEST(Summary, CountsParametersFlopsAndBytesFromShapes) {
  const Toy t;
  const Summary s = summarize(t.graph);
  EXPECT_EQ(s.parameters, 13);
  EXPECT_EQ(s.trainable_parameters, 10);
  EXPECT_EQ(s.nodes, 3);
  EXPECT_EQ(s.flops, 30);
  EXPECT_EQ(s.forward_flops, 30);
  EXPECT_EQ(s.bytes, 2 * 3 * 40 + 44);
}

TEST(Summary, TellsForwardFromBackward) {
  const Toy t;
  const Summary s = summarize(simplify(differentiate(t.graph, t.ops)));
  EXPECT_EQ(s.forward_flops, 30);
  EXPECT_GT(s.flops, s.forward_flops + 30);
}

TEST(Summary, AddsUpItsRowsPerOp) {
  const Toy t;
  const Summary s = summarize(t.graph);
  ASSERT_EQ(s.ops.size(), 2U);
  EXPECT_EQ(s.ops[0].op, "times");
  EXPECT_EQ(s.ops[0].nodes, 2);
  EXPECT_EQ(s.ops[0].flops + s.ops[1].flops, s.flops);
  EXPECT_EQ(s.ops[0].bytes + s.ops[1].bytes, s.bytes);
}

TEST(Summary, KnowsTheBytesAliveAtOnce) {
  const Toy t;  // the first product dies when the second is made: two buffers of 40 bytes, each in 64
  EXPECT_EQ(summarize(t.graph).live_bytes, 128U);
}

TEST(Summary, PrintsTheArenaOnlyWhereItIsKnown) {
  const Toy t;
  const std::string without = summary_text(summarize(t.graph)), with = summary_text(summarize(t.graph, 4096));
  EXPECT_EQ(without.find("arena"), std::string::npos);
  EXPECT_NE(with.find("4.1 kB"), std::string::npos) << with;
  EXPECT_NE(with.find("times"), std::string::npos);
}

}  // namespace
}  // namespace isorbit::core
