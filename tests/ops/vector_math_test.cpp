// The vectorised exponential and sums against the standard library's.
#include "ops/vector_math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace isorbit::ops::testing {

namespace {

float exp_of(float x) { return exp8(splat(x))[3]; }

TEST(VectorExp, IsWithinTwoUnitsInTheLastPlace) {
  double most = 0;
  for (float x = -87.2F; x < 88.2F; x += 0.000937F) {
    const double exact = std::exp(static_cast<double>(x));
    const auto rounded = static_cast<float>(exact);
    const double unit =
        static_cast<double>(std::nextafter(rounded, kInfinity)) - static_cast<double>(rounded);
    most = std::max(most, std::abs(static_cast<double>(exp_of(x)) - exact) / unit);
  }
  EXPECT_LE(most, 2);
}

TEST(VectorExp, IsExactWhereItMustBe) {
  EXPECT_EQ(exp_of(0), 1);
  EXPECT_EQ(exp_of(-kInfinity), 0);
  EXPECT_EQ(exp_of(-100), 0);
  EXPECT_EQ(exp_of(kInfinity), kInfinity);
  EXPECT_EQ(exp_of(100), kInfinity);
  EXPECT_TRUE(std::isnan(exp_of(NAN)));
}

TEST(VectorSums, TakeEveryElementOnceAtEveryLength) {
  for (std::int64_t n = 0; n <= 100; ++n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i + 1);
    const float sum = sum8(n, [&](std::int64_t i, auto count) { return load(x.data() + i, count); });
    EXPECT_EQ(sum, static_cast<float>(n * (n + 1) / 2));
    EXPECT_EQ(maximum(x.data(), n), n == 0 ? -kInfinity : static_cast<float>(n));
  }
}

}  // namespace

}  // namespace isorbit::ops::testing
