#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::Shape;
using core::ValueId;

TEST(Skew, FillsTheUpperTriangleRowByRowAndItsNegativeBelow) {
  EXPECT_EQ(run("skew", {numbers({3}, {1, 2, 3})}, {{"size", 3}}).outputs[0],
            (std::vector<float>{0, 1, 2, -1, 0, 3, -2, -3, 0}));
}

TEST(SkewFold, SubtractsTheLowerTriangle) {
  EXPECT_EQ(run("skew_fold", {numbers({2, 2}, {9, 5, 3, 9})}).outputs[0], std::vector<float>{2});
}

TEST(Skew, ThroughTheCayleyMapIsOrthogonal) {
  const Operand x = normal({3, 120}, "x");  // three blocks of 16
  core::Graph graph;
  const std::vector<ValueId> in = add_operands(graph, {x}, false);
  core::Builder build(graph, all_ops());
  const ValueId q = build.op("skew", in, {{"size", 16}});
  const ValueId plus = build.op("add_identity", {q});
  const ValueId minus = build.op("add_identity", {build.op("scale", {q}, {{"factor", -1.0}})});
  const ValueId r = build.op("matmul", {plus, build.op("inverse", {minus})});
  const ValueId defect =
      build.op("add_identity", {build.op("matmul", {r, r}, {{"transpose_a", true}})}, {{"scale", -1.0}});
  graph.outputs = {{"defect", defect}};
  const std::vector<float> found = run(graph, {x}).outputs[0];
  for (const float d : found) EXPECT_NEAR(d, 0, 2e-6);
  const std::vector<double> exact = core::evaluate(graph, reference_inputs({x})).at("defect");
  for (const double d : exact) EXPECT_NEAR(d, 0, 1e-13);
}

TEST(Inverse, OfASingularMatrixIsAnErrorOnBothEngines) {
  const Operand x = numbers({2, 2}, {1, 2, 2, 4});
  EXPECT_THROW((void)run("inverse", {x}), std::domain_error);
  EXPECT_THROW((void)reference("inverse", {x}), std::domain_error);
}

TEST(Inverse, GivesTheSameBitsOnTwoThreads) {
  const Operand x = normal({9, 32, 32}, "x");
  EXPECT_EQ(run("inverse", {x}).outputs, run("inverse", {x}, core::Json::object(), 2).outputs);
}

}  // namespace

}  // namespace isorbit::ops::testing
