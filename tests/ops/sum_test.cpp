#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::Json;
using core::Shape;

TEST(Sum, GivesTheSameBitsOnAnyNumberOfThreads) {
  const std::vector<std::pair<Shape, Json>> sums = {{{5000, 130}, {0}},        {{3, 90000}, {1}},
                                                    {{2, 3000, 5}, {1}},       {{400, 700}, {0, 1}},
                                                    {{40, 60, 30, 9}, {0, 2}}, {{100000, 1}, {0}}};
  for (const auto& [shape, axes] : sums) {
    const Operand x = normal(shape, "x");
    const auto one = run("sum", {x}, {{"axes", axes}}).outputs[0];
    EXPECT_EQ(one, run("sum", {x}, {{"axes", axes}}, 2).outputs[0]) << shape.text();
    EXPECT_EQ(one, run("sum", {x}, {{"axes", axes}}, 3).outputs[0]) << shape.text();
    EXPECT_LE(relative_error(one, reference("sum", {x}, {{"axes", axes}})), 2e-6) << shape.text();
  }
}

TEST(Sum, LosesLittleOverAMillionTerms) {
  const Operand x = numbers({1 << 20}, std::vector<double>(1 << 20, 0.1F));
  const double expected = (1 << 20) * static_cast<double>(0.1F);
  EXPECT_NEAR(run("sum", {x}, {{"axes", {0}}}).outputs[0][0], expected, 1e-6 * expected);
}

TEST(Sum, KeepsTheSummedAxesWhenAsked) {
  core::Graph graph;
  const auto x = graph.add_input("x", {Shape{2, 3, 4}});
  core::Builder build(graph, all_ops());
  EXPECT_EQ(build.shape(build.op("sum", {x}, {{"axes", {0, 2}}})), Shape{3});
  EXPECT_EQ(build.shape(build.op("sum", {x}, {{"axes", {0, 2}}, {"keep", true}})), (Shape{1, 3, 1}));
}

TEST(Sum, RefusesAnAxisThatIsNotThere) {
  core::Graph graph;
  const auto x = graph.add_input("x", {Shape{2, 3}});
  core::Builder build(graph, all_ops());
  for (const Json& axes : {Json{2}, Json{-3}, Json{0, -2}}) {
    try {
      (void)build.op("sum", {x}, {{"axes", axes}});
      ADD_FAILURE() << "accepted " << axes;
    } catch (const core::OpError& error) {
      EXPECT_EQ(error.where, "axes");
    }
  }
}

TEST(Mean, DividesByTheNumberOfTerms) {
  const auto x = numbers({2, 3}, {1, 2, 3, 5, 6, 10});
  EXPECT_EQ(run("mean", {x}, {{"axes", {1}}}).outputs[0], (std::vector<float>{2, 7}));
}

TEST(Broadcast, RepeatsAlongExtentsOfOne) {
  EXPECT_EQ(run("broadcast", {numbers({2, 1}, {1, 2})}, {{"shape", {2, 2, 3}}}).outputs[0],
            (std::vector<float>{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}));
}

}  // namespace

}  // namespace isorbit::ops::testing
