#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::Json;
using core::Shape;

/// [n/b, b, b] as the block-diagonal [n, n].
Operand block_diagonal(const Operand& g) {
  const std::int64_t b = g.type.shape[1], n = g.type.shape[0] * b;
  Operand out = numbers({n, n}, std::vector<double>(static_cast<std::size_t>(n * n), 0.0));
  for (std::int64_t at = 0; at < n * b; ++at) {
    const std::int64_t j = at / (b * b), r = at / b % b, c = at % b;
    out.values[static_cast<std::size_t>((j * b + r) * n + j * b + c)] =
        g.values[static_cast<std::size_t>(at)];
  }
  return out;
}

TEST(BlockMatmul, IsTheProductWithTheBlockDiagonalMatrix) {
  const Operand x = normal({7, 12}, "x"), g = normal({3, 4, 4}, "g");
  for (const bool transpose : {false, true}) {
    const auto expected = reference("matmul", {x, block_diagonal(g)}, {{"transpose_b", transpose}});
    EXPECT_LE(relative_error(run("block_matmul", {x, g}, {{"transpose", transpose}}).outputs[0], expected),
              2e-6);
  }
}

TEST(BlockMatmul, IsFastCodeOnTheShapesOfTheModels) {
  for (const std::int64_t n : {128, 320}) {
    for (const std::int64_t b : {32, 64}) {
      const Operand x = normal({2048, n}, "x"), g = normal({n / b, b, b}, "g");
      for (const bool transpose : {false, true}) {
        const auto y = run("block_matmul", {x, g}, {{"transpose", transpose}});
        EXPECT_EQ(y.implementations[0].find("ref"), std::string::npos) << y.implementations[0];
        const auto d = run("block_matmul_grad", {x, x}, {{"size", b}, {"transpose", transpose}});
        EXPECT_EQ(d.implementations[0].find("ref"), std::string::npos) << d.implementations[0];
      }
    }
  }
}

TEST(BlockMatmul, RefusesBlocksThatDoNotTileTheColumns) {
  core::Graph graph;
  const auto x = graph.add_input("x", {Shape{5, 320}}), g = graph.add_input("g", {Shape{6, 48, 48}});
  try {
    (void)core::Builder(graph, all_ops()).op("block_matmul", {x, g});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "in/1");
    EXPECT_EQ(error.expected, "blocks times b = 320");
  }
}

}  // namespace

}  // namespace isorbit::ops::testing
