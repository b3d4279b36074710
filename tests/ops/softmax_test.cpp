// Softmax: rows are distributions, and a causal row knows nothing of the future.
#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

constexpr std::size_t kQueries = 21, kKeys = 21;

std::vector<float> softmax_of(const Operand& x, bool causal) {
  return run("softmax", {x}, {{"causal", causal}}).outputs[0];
}

double row_sum(const std::vector<float>& y, std::size_t row) {
  double sum = 0;
  for (std::size_t c = 0; c < kKeys; ++c) sum += y[row * kKeys + c];
  return sum;
}

TEST(Softmax, RowsSumToOne) {
  for (const bool causal : {false, true}) {
    const std::vector<float> y = softmax_of(normal({2, kQueries, kKeys}, "x"), causal);
    for (std::size_t r = 0; r < 2 * kQueries; ++r) EXPECT_NEAR(row_sum(y, r), 1, 1e-6) << r;
  }
}

TEST(Softmax, CausalRowsAreExactlyZeroInTheFuture) {
  const std::vector<float> y = softmax_of(normal({2, kQueries, kKeys}, "x"), true);
  for (std::size_t r = 0; r < 2 * kQueries; ++r) {
    for (std::size_t c = 0; c < kKeys; ++c) {
      if (c > r % kQueries) {
        EXPECT_EQ(y[r * kKeys + c], 0) << r << " " << c;
      } else {
        EXPECT_GT(y[r * kKeys + c], 0) << r << " " << c;
      }
    }
  }
}

TEST(Softmax, CausalRowsDoNotReadTheFuture) {
  Operand x = normal({kQueries, kKeys}, "x");
  const std::vector<float> before = softmax_of(x, true);
  for (std::size_t r = 0; r < kQueries; ++r) {
    for (std::size_t c = r + 1; c < kKeys; ++c) x.values[r * kKeys + c] = INFINITY;
  }
  EXPECT_EQ(softmax_of(x, true), before);
}

TEST(Softmax, TheGradientOfACausalRowIsZeroInTheFuture) {
  const std::vector<float> dx =
      run("softmax_grad", {normal({kQueries, kKeys}, "y"), normal({kQueries, kKeys}, "dy")},
          {{"causal", true}})
          .outputs[0];
  for (std::size_t r = 0; r < kQueries; ++r) {
    for (std::size_t c = r + 1; c < kKeys; ++c) EXPECT_EQ(dx[r * kKeys + c], 0);
  }
}

TEST(Softmax, AddingANumberToARowChangesNothing) {
  for (const bool causal : {false, true}) {
    Operand x = normal({kQueries, kKeys}, "x");
    for (double& value : x.values) value = std::round(value * 64) / 64;  // so that the sum below is exact
    const std::vector<float> before = softmax_of(x, causal);
    for (double& value : x.values) value += 1024;
    EXPECT_EQ(softmax_of(x, causal), before);
  }
}

TEST(Softmax, ANumberThatIsNoneMakesItsRowNone) {
  Operand x = normal({3, 3}, "x");
  x.values[3] = NAN;
  const std::vector<float> y = softmax_of(x, true);
  EXPECT_TRUE(std::isnan(y[3]));
  EXPECT_EQ(y[0], 1);
  EXPECT_NEAR(y[6] + y[7] + y[8], 1, 1e-6);
}

}  // namespace

}  // namespace isorbit::ops::testing
