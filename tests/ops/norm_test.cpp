// RMS and layer normalisation: what they make of a row, and weight gradients that threads do not change.
#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

Operand ones(std::int64_t n) { return numbers({n}, std::vector<double>(static_cast<std::size_t>(n), 1)); }
Operand zeros(std::int64_t n) { return numbers({n}, std::vector<double>(static_cast<std::size_t>(n), 0)); }

Operand scaled(Operand x, double factor) {
  for (double& value : x.values) value *= factor;
  return x;
}

double mean_square(const std::vector<float>& y, std::size_t first, std::size_t n) {
  double sum = 0;
  for (std::size_t i = first; i < first + n; ++i) sum += static_cast<double>(y[i]) * y[i];
  return sum / static_cast<double>(n);
}

TEST(RmsNorm, RowsHaveUnitMeanSquare) {
  const std::vector<float> y = run("rms_norm", {scaled(normal({5, 77}, "x"), 30), ones(77)}).outputs[0];
  for (std::size_t r = 0; r < 5; ++r) EXPECT_NEAR(mean_square(y, r * 77, 77), 1, 1e-5);
}

TEST(RmsNorm, DoesNotSeeTheScaleOfARow) {
  const Operand x = normal({5, 77}, "x"), weight = normal({77}, "weight");
  const core::Json attributes = {{"epsilon", 0.0}};
  EXPECT_EQ(run("rms_norm", {x, weight}, attributes).outputs[0],
            run("rms_norm", {scaled(x, 1024), weight}, attributes).outputs[0]);
}

TEST(RmsNorm, ARowOfZerosStaysZero) {
  const std::vector<float> y = run("rms_norm", {scaled(normal({2, 9}, "x"), 0), ones(9)}).outputs[0];
  for (const float value : y) EXPECT_EQ(value, 0);
}

TEST(RmsNorm, AGroupIsANormalisationOfItsOwn) {
  const Operand x = normal({3, 24}, "x"), weight = normal({8}, "weight");
  Operand slices = x;
  slices.type.shape = core::Shape{9, 8};
  EXPECT_EQ(run("rms_norm", {x, weight}, {{"group", 8}}).outputs, run("rms_norm", {slices, weight}).outputs);
}

TEST(RmsNorm, RefusesAGroupThatDoesNotDivideTheColumns) {
  try {
    run("rms_norm", {normal({3, 24}, "x"), ones(7)}, {{"group", 7}});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "group");
    EXPECT_EQ(error.expected, "a divisor of 24");
  }
}

TEST(RmsNorm, ItsWeightGradientDoesNotDependOnTheNumberOfThreads) {
  const std::vector<Operand> given = {normal({999, 64}, "x"), normal({64}, "w"), normal({999}, "r"),
                                      normal({999, 64}, "dy")};
  EXPECT_EQ(run("rms_norm_grad", given, core::Json::object(), 1).outputs,
            run("rms_norm_grad", given, core::Json::object(), 2).outputs);
}

TEST(LayerNorm, RowsHaveNoMeanAndUnitVariance) {
  Operand x = scaled(normal({5, 77}, "x"), 3);
  for (double& value : x.values) value = static_cast<float>(value + 100);
  const std::vector<float> y = run("layer_norm", {x, ones(77), zeros(77)}).outputs[0];
  for (std::size_t r = 0; r < 5; ++r) {
    double mean = 0;
    for (std::size_t i = 0; i < 77; ++i) mean += y[r * 77 + i] / 77;
    EXPECT_NEAR(mean, 0, 1e-5);
    EXPECT_NEAR(mean_square(y, r * 77, 77), 1, 1e-4);
  }
}

TEST(LayerNorm, ItsWeightGradientsDoNotDependOnTheNumberOfThreads) {
  const std::vector<Operand> given = {normal({999, 64}, "x"), normal({64}, "w"), normal({999}, "m"),
                                      normal({999}, "r"), normal({999, 64}, "dy")};
  EXPECT_EQ(run("layer_norm_grad", given, core::Json::object(), 1).outputs,
            run("layer_norm_grad", given, core::Json::object(), 2).outputs);
}

}  // namespace

}  // namespace isorbit::ops::testing
