// Rotary embedding: rotations that undo, keep norms and see only differences of positions.
#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

constexpr std::int64_t kPositions = 12, kHeads = 3, kHeadDim = 10, kWidth = kHeads * kHeadDim;

core::Json attributes(bool inverse = false) { return {{"heads", kHeads}, {"inverse", inverse}}; }

std::size_t at(std::int64_t position, std::int64_t head, std::int64_t column) {
  return static_cast<std::size_t>(position * kWidth + head * kHeadDim + column);
}

TEST(Rope, TheInverseUndoesIt) {
  const Operand x = normal({2, kPositions, kWidth}, "x");
  const std::vector<float> turned = run("rope", {x}, attributes()).outputs[0];
  const Operand y = numbers({2, kPositions, kWidth}, {turned.begin(), turned.end()});
  EXPECT_LE(relative_error(run("rope", {y}, attributes(true)).outputs[0], x.values), 1e-6);
  EXPECT_GE(relative_error(turned, x.values), 0.1);
}

TEST(Rope, KeepsTheLengthOfEveryPair) {
  const Operand x = normal({1, kPositions, kWidth}, "x");
  const std::vector<float> y = run("rope", {x}, attributes()).outputs[0];
  for (std::int64_t t = 0; t < kPositions; ++t) {
    for (std::int64_t h = 0; h < kHeads; ++h) {
      for (std::int64_t i = 0; i < kHeadDim / 2; ++i) {
        const std::size_t low = at(t, h, i), high = at(t, h, i + kHeadDim / 2);
        EXPECT_NEAR(std::hypot(y[low], y[high]), std::hypot(x.values[low], x.values[high]), 1e-5);
      }
    }
  }
}

TEST(Rope, LeavesPositionZeroAsItIs) {
  const Operand x = normal({1, kPositions, kWidth}, "x");
  const std::vector<float> y = run("rope", {x}, attributes()).outputs[0];
  for (std::size_t c = 0; c < kWidth; ++c) EXPECT_EQ(y[c], static_cast<float>(x.values[c]));
}

TEST(Rope, TurnsTheFirstPairByOneRadianAPosition) {
  Operand x = normal({1, kPositions, kWidth}, "x");
  std::fill(x.values.begin(), x.values.end(), 0.0);
  for (std::int64_t t = 0; t < kPositions; ++t) x.values[at(t, 1, 0)] = 1;
  const std::vector<float> y = run("rope", {x}, attributes()).outputs[0];
  for (std::int64_t t = 0; t < kPositions; ++t) {
    EXPECT_NEAR(y[at(t, 1, 0)], std::cos(static_cast<double>(t)), 1e-7);
    EXPECT_NEAR(y[at(t, 1, kHeadDim / 2)], std::sin(static_cast<double>(t)), 1e-7);
  }
}

TEST(Rope, ProductsOfHeadsDependOnTheDifferenceOfPositionsOnly) {
  const Operand q = normal({kWidth}, "q"), k = normal({kWidth}, "k");
  std::vector<double> all_q, all_k;  // the same vectors at every position
  for (std::int64_t t = 0; t < kPositions; ++t) {
    all_q.insert(all_q.end(), q.values.begin(), q.values.end());
    all_k.insert(all_k.end(), k.values.begin(), k.values.end());
  }
  const auto turned_q = run("rope", {numbers({1, kPositions, kWidth}, all_q)}, attributes()).outputs[0];
  const auto turned_k = run("rope", {numbers({1, kPositions, kWidth}, all_k)}, attributes()).outputs[0];
  const auto product = [&](std::int64_t t, std::int64_t s) {
    double sum = 0;
    for (std::int64_t c = 0; c < kHeadDim; ++c)
      sum += static_cast<double>(turned_q[at(t, 2, c)]) * turned_k[at(s, 2, c)];
    return sum;
  };
  for (std::int64_t t = 4; t < kPositions; ++t) EXPECT_NEAR(product(t, t - 4), product(4, 0), 1e-5);
  EXPECT_GT(std::abs(product(4, 0) - product(5, 0)), 1e-3);
}

TEST(Rope, RefusesHeadsThatCannotBePaired) {
  const auto refusal = [](std::int64_t width, std::int64_t heads) {
    try {
      run("rope", {normal({1, 2, width}, "x")}, {{"heads", heads}});
    } catch (const core::OpError& error) {
      return error.where;
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal(15, 3), "in/0");   // heads of 5 columns
  EXPECT_EQ(refusal(16, 3), "heads");  // 3 does not divide 16
  EXPECT_EQ(refusal(12, 3), "accepted");
}

}  // namespace

}  // namespace isorbit::ops::testing
