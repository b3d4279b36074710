#include <gtest/gtest.h>

#include <cmath>

#include "analysis/measure_set.hpp"
#include "core/linalg/linalg.hpp"

namespace isorbit::analysis {
namespace {

struct Matrix {
  std::size_t rows, cols;
  std::vector<float> values;
  std::vector<double> s = core::singular_values(std::span<const float>(values), rows, cols);

  double operator()(const char* name) const { return MeasureSet().at(name).of({values, rows, cols, s}); }
};

Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  std::vector<float> values(rows * cols);
  core::Philox(seed, core::stream_of("measures")).fill_normal(values, 0.5);
  return {rows, cols, values};
}

// Energy by its definition: every ordered pair, the distance coordinate by coordinate.
double energy_by_definition(const Matrix& w) {
  std::vector<double> u(w.values.begin(), w.values.end());
  for (std::size_t i = 0; i < w.rows; ++i) {
    double norm = 0;
    for (std::size_t j = 0; j < w.cols; ++j) norm += u[i * w.cols + j] * u[i * w.cols + j];
    for (std::size_t j = 0; j < w.cols; ++j) u[i * w.cols + j] /= std::sqrt(norm);
  }
  double sum = 0;
  for (std::size_t i = 0; i < w.rows; ++i)
    for (std::size_t j = 0; j < w.rows; ++j) {
      double squares = 0;
      for (std::size_t k = 0; k < w.cols; ++k) squares += std::pow(u[i * w.cols + k] - u[j * w.cols + k], 2);
      if (i != j) sum += 1 / std::sqrt(squares);
    }
  return sum;
}

TEST(Measures, AreAllRegisteredUnderTheirOwnName) {
  const MeasureSet set;
  for (const char* name : {"svd_entropy", "stable_rank", "spectral_norm", "frobenius_norm",
                           "hyperspherical_energy", "l1_norm"}) {
    ASSERT_NE(set.find(name), nullptr) << name;
    EXPECT_EQ(set.at(name).name, name);
    EXPECT_FALSE(set.at(name).doc.empty());
    EXPECT_FALSE(set.at(name).unit.empty());
  }
}

TEST(Measures, OfAKnownMatrixHaveTheirKnownValues) {
  const Matrix w{2, 3, {3, 0, 0, 0, -4, 0}};
  EXPECT_NEAR(w("spectral_norm"), 4, 1e-14);
  EXPECT_NEAR(w("frobenius_norm"), 5, 1e-14);
  EXPECT_NEAR(w("l1_norm"), 7, 1e-14);
  EXPECT_NEAR(w("stable_rank"), 25.0 / 16, 1e-14);
  const double p = 9.0 / 25, q = 16.0 / 25;
  EXPECT_NEAR(w("svd_entropy"), -(p * std::log(p) + q * std::log(q)) / std::log(2), 1e-14);
  EXPECT_NEAR(w("hyperspherical_energy"), 2 / std::sqrt(2), 1e-14);
}

TEST(Measures, OfEqualSingularValuesAreAtTheirMaximum) {
  const auto q = core::random_orthogonal(16, 24, core::Philox(1, 2));
  const Matrix w{16, 24, {q.begin(), q.end()}};
  EXPECT_NEAR(w("svd_entropy"), 1, 1e-6);
  EXPECT_NEAR(w("stable_rank"), 16, 1e-4);
}

TEST(Measures, OfRankOneAreAtTheirMinimum) {
  const Matrix w{2, 2, {1, 2, 2, 4}};
  EXPECT_NEAR(w("svd_entropy"), 0, 1e-12);
  EXPECT_NEAR(w("stable_rank"), 1, 1e-12);
  EXPECT_GT(w("hyperspherical_energy"), 1e6);  // parallel rows
}

TEST(HypersphericalEnergy, EqualsItsDefinition) {
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{70, 33}, {33, 5}, {2, 1024}}) {
    const Matrix w = random_matrix(rows, cols, rows);
    const double expected = energy_by_definition(w);
    EXPECT_NEAR(w("hyperspherical_energy"), expected, 1e-9 * expected);
  }
}

TEST(HypersphericalEnergy, OfNearlyParallelRowsDoesNotCancel) {
  const Matrix w{2, 2, {1, 0, 1, 1e-6f}};
  EXPECT_NEAR(w("hyperspherical_energy"), energy_by_definition(w), 1e-6 * energy_by_definition(w));
}

TEST(HypersphericalEnergy, DoesNotSeeTheLengthOfRows) {
  Matrix w = random_matrix(20, 8, 4);
  const double before = w("hyperspherical_energy");
  for (std::size_t j = 0; j < 8; ++j) w.values[8 * 3 + j] *= 16;
  EXPECT_NEAR(w("hyperspherical_energy"), before, 1e-12 * before);
}

TEST(HypersphericalEnergy, OfManyRowsIsEstimatedFromEvenlySpacedOnes) {
  const Matrix w = random_matrix(3000, 16, 5);
  const double expected = energy_by_definition(w);
  EXPECT_NEAR(w("hyperspherical_energy"), expected, 0.02 * expected);
}

TEST(Measures, ThatAreNotDefinedAreNaN) {
  const Matrix zero{2, 2, {0, 0, 0, 0}};
  for (const char* name : {"svd_entropy", "stable_rank", "hyperspherical_energy"})
    EXPECT_TRUE(std::isnan(zero(name)));
  const Matrix infinite{2, 2, {1, INFINITY, 1, 1}};
  for (const char* name : {"svd_entropy", "stable_rank", "spectral_norm", "hyperspherical_energy"})
    EXPECT_TRUE(std::isnan(infinite(name))) << name;
  EXPECT_TRUE(std::isnan((Matrix{1, 3, {1, 2, 3}})("svd_entropy")));
}

TEST(MeasureSet, RefusesDuplicatesAndSuggestsTheNearestName) {
  const Measure one{"a", "", "1", [](const MatrixView&) { return 0.0; }};
  EXPECT_THROW(MeasureSet({one, one}), std::invalid_argument);
  EXPECT_THROW(MeasureSet({Measure{"b", "", "1", nullptr}}), std::invalid_argument);
  try {
    (void)MeasureSet().at("stable_rnk");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"stable_rank\""), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("l1_norm"), std::string::npos);
  }
}

}  // namespace
}  // namespace isorbit::analysis
