#include "core/linalg/subspace.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "core/linalg/linalg.hpp"
#include "tests/core/orthonormal.hpp"

namespace isorbit::core {
namespace {

TEST(Subspace, HoldsTheLeadingSingularVectorsOfTheShorterSideInOrder) {
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{9, 20}, {20, 9}, {9, 9}, {1, 5}}) {
    std::vector<float> w(rows * cols);
    Philox(3, rows).fill_normal(w, 1.0);
    const Svd f = svd(std::span<const float>(w), rows, cols);
    const std::size_t side = std::min(rows, cols);
    for (const std::size_t count : {std::size_t{1}, std::min<std::size_t>(4, side), side}) {
      const std::vector<float> found = leading_singular_vectors(w, rows, cols, count);
      ASSERT_EQ(found.size(), count * side);
      for (std::size_t k = 0; k < count; ++k) {
        double dot = 0;
        for (std::size_t i = 0; i < side; ++i)
          dot += found[k * side + i] * (rows <= cols ? f.u[i * f.rank + k] : f.vt[k * cols + i]);
        EXPECT_NEAR(std::abs(dot), 1.0, 1e-6) << k << " of " << count;
      }
    }
  }
}

TEST(Subspace, IsOrthonormalWhereTheMatrixHasLessRank) {
  const std::vector<float> zero(12);
  const std::vector<float> found = leading_singular_vectors(zero, 3, 4, 3);
  ASSERT_EQ(found.size(), 9U);
  EXPECT_LE(testing_support::orthonormality_defect(found, 3), 1e-6);
}

TEST(Subspace, RefusesWhatItCannotAnswer) {
  std::vector<float> w(12, 1.0F);
  EXPECT_THROW((void)leading_singular_vectors(w, 3, 5, 1), std::invalid_argument);
  EXPECT_THROW((void)leading_singular_vectors(w, 3, 4, 4), std::invalid_argument);
  w[7] = NAN;
  EXPECT_THROW((void)leading_singular_vectors(w, 3, 4, 2), std::domain_error);
  EXPECT_TRUE(leading_singular_vectors(std::vector<float>(12), 3, 4, 0).empty());
}

}  // namespace
}  // namespace isorbit::core
