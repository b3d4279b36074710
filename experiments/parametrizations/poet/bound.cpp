// What R W0 P may do to singular values. An eigenvalue pair +-it of Q is mapped to modulus 1 by the exact
// Cayley map and to |1 - (it)^(k+1)| by the truncated one: G = (I - Q^(k+1)) (I + Q)(I - Q)^-1, all of them
// normal. With d the largest distance of such a modulus from 1 on a side, no singular value moves by more
// than (1 + d_left)(1 + d_right) - 1 of itself.
//
// Rounding comes on top. An element of a product of length b has partial sums of about |x| / sqrt(b), |x| the
// norm of the b entries of W0 it is made of (rows of G have norm 1); b independent rounding errors of u =
// 2^-24 of these make about u |x|, and the b elements of a column sqrt(b) u |x|. The allowance is kSafety
// times that, for each side: a relative move of kSafety sqrt(b) u.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/linalg/linalg.hpp"
#include "experiments/parametrizations/poet/poet.hpp"
#include "ops/rotation/triangle.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

constexpr double kSafety = 4.0;

/// | |1 - (it)^(k+1)| - 1 |.
double truncation(double t, std::int64_t terms) {
  const double power = std::pow(t, static_cast<double>(terms + 1));
  switch ((terms + 1) % 4) {
    case 0:  // (it)^(k+1) = power
      return std::abs(std::abs(1.0 - power) - 1.0);
    case 2:  // -power
      return power;
    default:  // +-i power
      return std::hypot(1.0, power) - 1.0;
  }
}

/// Q of size b, from its strict upper triangle.
std::vector<double> unfolded(std::span<const float> x, std::size_t b) {
  const std::vector<double> triangle(x.begin(), x.end());
  std::vector<double> q(b * b);
  ops::unfold(triangle.data(), q.data(), static_cast<std::int64_t>(b));
  return q;
}

/// Rows and columns of the blocks of a coordinate [blocks, b (b - 1) / 2].
std::size_t size_of_blocks(const core::Tensor& coordinate) {
  return static_cast<std::size_t>(
      std::llround((1.0 + std::sqrt(1.0 + 8.0 * static_cast<double>(coordinate.shape()[1]))) / 2.0));
}

/// The largest truncation over all blocks of a side; NaN where a coordinate is not finite.
double truncation(const core::Tensor& coordinate, std::int64_t terms) {
  const std::size_t b = size_of_blocks(coordinate);
  const auto blocks = static_cast<std::size_t>(coordinate.shape()[0]), length = b * (b - 1) / 2;
  double worst = 0.0;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::vector<double> q = unfolded(coordinate.values().subspan(block * length, length), b);
    for (const double t : core::singular_values(std::span<const double>(q), b, b)) {
      const double d = truncation(t, terms);
      if (!(d <= worst)) worst = d;
    }
    if (std::isnan(worst)) break;
  }
  return worst;
}

}  // namespace

Bound bound(const core::Json& fields, std::span<const core::Tensor* const> coordinates) {
  const bool exact = fields.at("cayley") == "exact";
  const auto terms = fields.at("neumann_terms").get<std::int64_t>();
  double stretch = 1.0, rounding = 0.0;
  for (const core::Tensor* side : coordinates.first(2)) {
    stretch *= 1.0 + (exact ? 0.0 : truncation(*side, terms));
    rounding += kSafety * std::sqrt(static_cast<double>(size_of_blocks(*side))) * 0x1p-24;
  }
  return stretch - 1.0 + rounding;
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
