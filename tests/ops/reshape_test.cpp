#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::Shape;

TEST(Reshape, RunsNoCode) {
  EXPECT_TRUE(run("reshape", {normal({2, 6}, "x")}, {{"shape", {3, 4}}}).implementations.empty());
}

TEST(Transpose, MovesEveryElementOfLargeTensorsOnOneAndTwoThreads) {
  const std::vector<std::pair<Shape, std::vector<std::int64_t>>> moves = {{{257, 130}, {1, 0}},
                                                                          {{1000, 3}, {1, 0}},
                                                                          {{3, 1000}, {1, 0}},
                                                                          {{4, 128, 8, 32}, {0, 2, 1, 3}},
                                                                          {{4, 33, 5, 40}, {0, 1, 3, 2}},
                                                                          {{7, 33, 5, 40}, {3, 1, 0, 2}},
                                                                          {{7, 33, 5, 40}, {2, 3, 0, 1}},
                                                                          {{1, 300, 1, 200}, {3, 2, 1, 0}}};
  for (const auto& [shape, axes] : moves) {
    const Operand x = normal(shape, "x");
    const core::Json attributes = {{"axes", axes}};
    const std::vector<double> expected = reference("transpose", {x}, attributes);
    EXPECT_EQ(relative_error(run("transpose", {x}, attributes).outputs[0], expected), 0) << shape.text();
    EXPECT_EQ(relative_error(run("transpose", {x}, attributes, 2).outputs[0], expected), 0) << shape.text();
  }
}

TEST(Transpose, PutsTheNamedAxisFirst) {
  const auto x = numbers({2, 3}, {0, 1, 2, 10, 11, 12});
  EXPECT_EQ(run("transpose", {x}, {{"axes", {1, 0}}}).outputs[0], (std::vector<float>{0, 10, 1, 11, 2, 12}));
}

TEST(Transpose, RefusesAnAxisNamedTwice) {
  core::Graph graph;
  const auto x = graph.add_input("x", {Shape{2, 3}});
  try {
    (void)core::Builder(graph, all_ops()).op("transpose", {x}, {{"axes", {0, 0}}});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "axes");
    EXPECT_EQ(error.expected, "every axis from 0 to 1 once");
  }
}

}  // namespace

}  // namespace isorbit::ops::testing
