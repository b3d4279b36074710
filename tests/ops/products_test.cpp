// The matrix products that cards say their kernels make, off the shapes and types of a node.
#include <gtest/gtest.h>

#include "core/passes/cost.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::DType;
using Products = std::vector<core::MatrixProduct>;

Products of(std::string_view op, const std::vector<core::Shape>& inputs,
            const core::Json& attributes = core::Json::object()) {
  std::vector<Operand> given;
  for (const core::Shape& shape : inputs) given.push_back(normal(shape, "x"));
  const core::Graph graph = one_node(op, given, attributes);
  return core::node_products(graph, graph.nodes.back());
}

TEST(Products, OfMatmulHaveItsBatchesRowsAndTransposes) {
  EXPECT_EQ(of("matmul", {{2, 8, 32}, {64, 32}}, {{"transpose_b", true}}),
            (Products{{1, 16, 32, 64, false, true}}));
  EXPECT_EQ(of("matmul", {{48, 16}, {48, 32}}, {{"transpose_a", true}}),
            (Products{{1, 16, 48, 32, true, false}}));
  EXPECT_EQ(of("matmul", {{2, 3, 8, 4}, {2, 1, 16, 4}}, {{"transpose_b", true}}),
            (Products{{6, 8, 4, 16, false, true}}));
  EXPECT_EQ(of("matmul_add", {{8, 32}, {32, 64}, {8, 64}}), (Products{{1, 8, 32, 64}}));
}

TEST(Products, OfBlocksAreBatches) {
  EXPECT_EQ(of("block_matmul", {{10, 32}, {4, 8, 8}}, {{"transpose", true}}),
            (Products{{4, 10, 8, 8, false, true}}));
  EXPECT_EQ(of("block_matmul_grad", {{10, 32}, {10, 32}}, {{"size", 8}}),
            (Products{{4, 8, 10, 8, true, false}}));
  const std::vector<Operand> given = {normal({2, 9, 12}, "a"), normal({2, 9, 12}, "b"),
                                      indices({8}, {0, 3, 5, 6, 7, 8, 10, 11})};
  const core::Graph graph = one_node("block_gram", given, {{"size", 4}});
  EXPECT_EQ(core::node_products(graph, graph.nodes.back()), (Products{{2, 4, 18, 4, true, false}}));
}

TEST(Products, OfASeriesAreAsManyAsItsFlopsSay) {
  for (const int terms : {1, 2, 3, 4, 7}) {
    const core::Json attributes = {{"size", 4}, {"terms", terms}};
    const std::vector<Operand> x = {normal({3, 6}, "x")};
    const core::Graph graph = one_node("cayley_powers", x, attributes);
    double flops = 0;
    for (const core::MatrixProduct& product : core::node_products(graph, graph.nodes.back()))
      flops += product.flops();
    EXPECT_EQ(flops, core::node_cost(graph, graph.nodes.back()).flops) << terms;
  }
}

TEST(Products, OfAHeadAreThoseOfItsChunks) {
  const std::vector<Operand> given = {normal({600, 8}, "x"), normal({32000, 8}, "w"),
                                      indices({600}, 32000, false, "t"), normal({}, "dloss")};
  const core::Graph graph = one_node("linear_cross_entropy_grad", given);
  EXPECT_EQ(core::node_products(graph, graph.nodes.back()), (Products{{1, 512, 8, 32000, false, true},
                                                                      {1, 512, 32000, 8},
                                                                      {1, 32000, 512, 8, true, false},
                                                                      {1, 88, 8, 32000, false, true},
                                                                      {1, 88, 32000, 8},
                                                                      {1, 32000, 88, 8, true, false}}));
}

TEST(Products, OfCausalAttentionLeaveOutTheBlocksThatNobodySees) {
  const core::Json heads = {{"heads", 2}};
  EXPECT_EQ(of("attention", {{3, 100, 16}, {3, 100, 16}, {3, 100, 10}}, heads),
            (Products{{6, 64, 8, 64, false, true},
                      {6, 64, 64, 5, true, false},
                      {6, 100, 8, 64, false, true},
                      {6, 64, 100, 5, true, false}}));
  EXPECT_EQ(of("attention", {{3, 100, 16}, {3, 50, 16}, {3, 50, 10}}, {{"heads", 2}, {"causal", false}}),
            (Products{{12, 50, 8, 64, false, true}, {12, 64, 50, 5, true, false}}));
}

TEST(Products, OfAnOpWithoutAnyAreNone) { EXPECT_EQ(of("add", {{4, 4}, {4, 4}}), Products{}); }

}  // namespace

}  // namespace isorbit::ops::testing
