#include "core/linalg/products.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "core/random/philox.hpp"

namespace isorbit::core {
namespace {

std::vector<float> drawn(std::size_t n, std::uint64_t stream) {
  std::vector<float> out(n);
  Philox(3, stream).fill_normal(out, 1.0);
  return out;
}

double at(const Matrix& a, std::size_t i, std::size_t j) {
  return a.values[a.transposed ? j * a.cols + i : i * a.cols + j];
}

TEST(Products, ReadEitherOperandAsItIsOrTransposed) {
  constexpr std::size_t kM = 5, kK = 7, kN = 3;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      const std::vector<float> left = drawn(kM * kK, 1), right = drawn(kK * kN, 2);
      const Matrix a{left, ta ? kK : kM, ta ? kM : kK, ta}, b{right, tb ? kN : kK, tb ? kK : kN, tb};
      std::vector<float> out(kM * kN, 2.0F);
      multiply(a, b, out, 0.5F, 3.0F);
      for (std::size_t i = 0; i < kM; ++i) {
        for (std::size_t j = 0; j < kN; ++j) {
          double expected = 6;
          for (std::size_t k = 0; k < kK; ++k) expected += 0.5 * at(a, i, k) * at(b, k, j);
          ASSERT_NEAR(out[i * kN + j], expected, 1e-5);
        }
      }
    }
  }
}

TEST(Products, ByTheOwnTransposeFillBothHalves) {
  for (const bool transposed : {false, true}) {
    constexpr std::size_t kRows = 70, kCols = 45;  // more than one tile
    const std::vector<float> values = drawn(kRows * kCols, 4);
    const Matrix a{values, kRows, kCols, transposed}, other{values, kRows, kCols, !transposed};
    const std::size_t n = transposed ? kCols : kRows;
    std::vector<float> out(n * n, 1.0F), expected(n * n);
    multiply_by_own_transpose(a, out, 2.0F);
    multiply(a, other, expected, 2.0F);
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 1e-4) << i;
  }
}

TEST(Products, RefuseSizesThatDisagree) {
  const std::vector<float> six(6), four(4);
  std::vector<float> out(4);
  EXPECT_THROW(multiply({six, 2, 3}, {four, 2, 2}, out), std::invalid_argument);
  EXPECT_THROW(multiply({six, 2, 2}, {four, 2, 2}, out), std::invalid_argument);
  EXPECT_THROW(multiply({four, 2, 2}, {six, 2, 3}, out), std::invalid_argument);
  EXPECT_THROW(multiply_by_own_transpose({six, 3, 2}, out), std::invalid_argument);
}

}  // namespace
}  // namespace isorbit::core
