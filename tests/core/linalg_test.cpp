#include "core/linalg/linalg.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace isorbit::core {
namespace {

using Matrix = std::vector<double>;

Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  const Philox random(seed, stream_of("test"));
  Matrix out(rows * cols);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = random.normal(i);
  return out;
}

Matrix multiply(const Matrix& a, const Matrix& b, std::size_t m, std::size_t k, std::size_t n) {
  Matrix out(m * n);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t l = 0; l < k; ++l)
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += a[i * k + l] * b[l * n + j];
  return out;
}

double furthest(const Matrix& a, const Matrix& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

Matrix identity(std::size_t n) {
  Matrix out(n * n);
  for (std::size_t i = 0; i < n; ++i) out[i * n + i] = 1;
  return out;
}

TEST(Svd, FactorsMultiplyToTheMatrixForTallWideAndSquare) {
  for (const auto& [rows, cols] :
       {std::pair<std::size_t, std::size_t>{7, 4}, {4, 7}, {5, 5}, {1, 6}, {6, 1}}) {
    const Matrix w = random_matrix(rows, cols, rows * 10 + cols);
    const Svd f = svd(w, rows, cols);
    ASSERT_EQ(f.rank, std::min(rows, cols));
    Matrix us = f.u;
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t k = 0; k < f.rank; ++k) us[i * f.rank + k] *= f.s[k];
    EXPECT_LT(furthest(multiply(us, f.vt, rows, f.rank, cols), w), 1e-12);
    EXPECT_TRUE(std::is_sorted(f.s.rbegin(), f.s.rend()));
    EXPECT_LT(furthest(singular_values(std::span<const double>(w), rows, cols), f.s), 1e-12);
  }
}

TEST(SingularValues, OfAKnownMatrixAreExact) {
  const std::vector<float> w = {3, 0, 0, 0, -5, 0};
  const auto s = singular_values(std::span<const float>(w), 2, 3);
  ASSERT_EQ(s.size(), 2u);
  EXPECT_NEAR(s[0], 5, 1e-14);
  EXPECT_NEAR(s[1], 3, 1e-14);
}

TEST(SingularValues, OfAMatrixThatIsNotFiniteAreNaN) {
  std::vector<float> w(6, 1.0f);
  w[4] = std::numeric_limits<float>::infinity();
  for (const double s : singular_values(std::span<const float>(w), 2, 3)) EXPECT_TRUE(std::isnan(s));
  EXPECT_THROW((void)svd(std::span<const float>(w), 2, 3), std::domain_error);
  EXPECT_TRUE(singular_values(std::span<const float>(), 0, 3).empty());
}

TEST(SingularValues, RefuseASizeThatDoesNotFitTheShape) {
  const std::vector<float> w(6);
  EXPECT_THROW((void)singular_values(std::span<const float>(w), 2, 4), std::invalid_argument);
}

/// Columns of length up to `spread`: condition numbers of about that.
Matrix ill_conditioned(std::size_t rows, std::size_t cols, double spread) {
  Matrix w = random_matrix(rows, cols, 17);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j)
      w[i * cols + j] *= std::pow(spread, -static_cast<double>(j) / static_cast<double>(cols - 1));
  return w;
}

TEST(SingularValues, OfLongMatricesAreThoseOfTheWholeDecomposition) {
  for (const double spread : {1.0, 1e3, 1e6, 1e9, 1e15}) {
    const Matrix tall = ill_conditioned(700, 24, spread);
    Matrix wide(tall.size());
    for (std::size_t i = 0; i < 700; ++i)
      for (std::size_t j = 0; j < 24; ++j) wide[j * 700 + i] = tall[i * 24 + j];
    const std::vector<double> expected = svd(std::span<const double>(tall), 700, 24).s;
    const double rounding = 1e-14 * expected[0];
    EXPECT_LT(furthest(singular_values(std::span<const double>(tall), 700, 24), expected), rounding)
        << spread;
    EXPECT_LT(furthest(singular_values(std::span<const double>(wide), 24, 700), expected), rounding)
        << spread;
  }
}

TEST(SingularValues, OfLongMatricesWithoutFullRankEndInZero) {
  Matrix w = random_matrix(300, 8, 5);
  for (std::size_t i = 0; i < 300; ++i) w[i * 8 + 7] = w[i * 8];
  const auto s = singular_values(std::span<const double>(w), 300, 8);
  EXPECT_LT(s[7], 1e-13 * s[0]);
  EXPECT_GT(s[6], 0.1 * s[0]);
  for (const double zero : singular_values(std::span<const double>(Matrix(600)), 300, 2)) EXPECT_EQ(zero, 0);
}

TEST(RowProducts, AreTheSumsTheyStandFor) {
  const Matrix a = random_matrix(3, 5, 1), b = random_matrix(4, 5, 2);
  Matrix out(12), transposed(20);
  row_products(a, b, 5, out);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 5; ++j) transposed[j * 4 + i] = b[i * 5 + j];
  EXPECT_LT(furthest(out, multiply(a, transposed, 3, 5, 4)), 1e-14);
  EXPECT_THROW(row_products(a, b, 4, out), std::invalid_argument);
}

TEST(Inverse, TimesTheMatrixIsTheIdentity) {
  const std::size_t n = 12;
  const Matrix a = random_matrix(n, n, 3);
  Matrix inv(n * n);
  inverse(std::span<const double>(a), inv, n);
  EXPECT_LT(furthest(multiply(inv, a, n, n, n), identity(n)), 1e-11);
  std::vector<float> single(a.begin(), a.end());
  inverse(std::span<const float>(single), std::span<float>(single), n);
  for (std::size_t i = 0; i < n * n; ++i) EXPECT_NEAR(single[i], inv[i], 1e-4 * (1 + std::abs(inv[i])));
}

TEST(Inverse, OfASingularOrInfiniteMatrixIsRefused) {
  const Matrix singular = {1, 2, 2, 4};
  Matrix out(4);
  EXPECT_THROW(inverse(std::span<const double>(singular), out, 2), std::domain_error);
  const Matrix infinite = {1, 0, 0, INFINITY};
  EXPECT_THROW(inverse(std::span<const double>(infinite), out, 2), std::domain_error);
  EXPECT_THROW(inverse(std::span<const double>(singular), out, 3), std::invalid_argument);
}

TEST(RandomOrthogonal, HasOrthonormalRowsOrColumns) {
  const Matrix tall = random_orthogonal(9, 5, Philox(1, 2)), wide = random_orthogonal(5, 9, Philox(1, 3));
  Matrix transposed(45);
  for (std::size_t i = 0; i < 9; ++i)
    for (std::size_t j = 0; j < 5; ++j) transposed[j * 9 + i] = tall[i * 5 + j];
  EXPECT_LT(furthest(multiply(transposed, tall, 5, 9, 5), identity(5)), 1e-14);
  for (const double s : singular_values(std::span<const double>(wide), 5, 9)) EXPECT_NEAR(s, 1, 1e-14);
}

// Without the sign fix the diagonal of Q (a Householder product) would be mostly negative.
TEST(RandomOrthogonal, IsNotBiasedInSign) {
  double sum = 0;
  for (std::uint64_t step = 0; step < 2000; ++step) sum += random_orthogonal(3, 3, Philox(4, 5, step))[0];
  EXPECT_NEAR(sum / 2000, 0, 0.05);
}

TEST(Linalg, TheSameTwiceGivesTheSameBits) {
  const Matrix w = random_matrix(130, 90, 9);
  EXPECT_EQ(singular_values(std::span<const double>(w), 130, 90),
            singular_values(std::span<const double>(w), 130, 90));
}

}  // namespace
}  // namespace isorbit::core
