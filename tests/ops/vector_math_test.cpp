// Sums of eight floats at a time.
#include "ops/vector_math.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace isorbit::ops::testing {

namespace {

TEST(VectorSums, TakeEveryElementOnceAtEveryLength) {
  for (std::int64_t n = 0; n <= 100; ++n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i + 1);
    const float sum = sum8(n, [&](std::int64_t i, auto count) { return load(x.data() + i, count); });
    EXPECT_EQ(sum, static_cast<float>(n * (n + 1) / 2));
  }
}

}  // namespace

}  // namespace isorbit::ops::testing
