// Cross entropy: its value where it is known, its gradient's sums, and inputs at the edge.
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

constexpr std::int64_t kRows = 6, kClasses = 257;

Operand targets() { return indices({kRows}, kClasses, false, "targets"); }

TEST(CrossEntropy, OfUniformLogitsIsTheLogarithmOfTheClasses) {
  const Operand logits =
      numbers({kRows, kClasses}, std::vector<double>(static_cast<std::size_t>(kRows * kClasses), 3.25));
  EXPECT_NEAR(run("cross_entropy", {logits, targets()}).outputs[0][0],
              std::log(static_cast<double>(kClasses)), 1e-6);
}

TEST(CrossEntropy, OfHugeLogitsStaysFiniteAndRight) {
  const Operand logits = numbers({2, 3}, {3e38, 0, -3e38, 1e30, 2e30, 2e30});
  const std::vector<float> loss = run("cross_entropy", {logits, indices({2}, {0, 1})}).outputs[0];
  EXPECT_NEAR(loss[0], std::log(2.0) / 2, 1e-6);  // a certain row and one that is torn between two
}

TEST(CrossEntropy, TellsAWrongAndCertainRowByItsDistance) {
  const Operand logits = numbers({1, 3}, {0, 100, -20});
  EXPECT_NEAR(run("cross_entropy", {logits, indices({1}, {2})}).outputs[0][0], 120, 1e-5);
}

TEST(CrossEntropy, HasAGradientWhoseRowsSumToZero) {
  const Operand logits = normal({kRows, kClasses}, "logits");
  const auto forward = run("cross_entropy", {logits, targets()}).outputs;
  const Operand lse = numbers({kRows}, {forward[1].begin(), forward[1].end()});
  const std::vector<float> d =
      run("cross_entropy_grad", {logits, targets(), lse, numbers({}, {1})}).outputs[0];
  for (std::int64_t r = 0; r < kRows; ++r) {
    double sum = 0;
    for (std::int64_t c = 0; c < kClasses; ++c) sum += d[static_cast<std::size_t>(r * kClasses + c)];
    EXPECT_NEAR(sum, 0, 1e-6);
    const auto target = static_cast<std::size_t>(targets().indices[static_cast<std::size_t>(r)]);
    EXPECT_LT(d[static_cast<std::size_t>(r * kClasses) + target], 0);
  }
}

TEST(CrossEntropy, DoesNotDependOnTheNumberOfThreads) {
  const Operand logits = normal({300, kClasses}, "logits"), many = indices({300}, kClasses, false, "many");
  EXPECT_EQ(run("cross_entropy", {logits, many}, core::Json::object(), 1).outputs,
            run("cross_entropy", {logits, many}, core::Json::object(), 2).outputs);
}

TEST(CrossEntropy, RefusesATargetThatIsNoClass) {
  for (const std::int32_t target : {-1, 3}) {
    try {
      run("cross_entropy", {normal({2, 3}, "logits"), indices({2}, {0, target})});
      FAIL() << "accepted " << target;
    } catch (const std::out_of_range& error) {
      EXPECT_EQ(std::string(error.what()),
                "cross_entropy: found target " + std::to_string(target) + " in row 1; expected 0 to 2");
    }
  }
}

}  // namespace

}  // namespace isorbit::ops::testing
