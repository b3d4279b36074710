// Hyperspherical energy (Liu et al., "Learning towards minimum hyperspherical energy", NeurIPS 2018; s = 1):
//   E = sum_{i != j} || u_i - u_j ||^-1,  u_i = w_i / ||w_i||,  over the rows (neurons) of W.
// Low when the directions of the neurons are spread evenly. Distances come from the Gram matrix,
// || u_i - u_j ||^2 = 2 - 2 u_i . u_j, in blocks of rows that stay in the cache: O(m^2 n) for m rows,
// products summed in double. Where the dot product is near 1 the subtraction would cancel, so there the
// distance is taken directly. Above 1024 rows the sum runs over rows floor(k m / 1024), k = 0 .. 1023, and is
// scaled by m (m - 1) / (1024 * 1023), the ratio of the numbers of pairs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/measure.hpp"

namespace isorbit::analysis::measures {
namespace {

constexpr std::size_t most_rows = 1024;
constexpr std::size_t block = 32;

// The chosen rows scaled to unit length, row-major; empty when one of them has no direction.
std::vector<double> unit_rows(const MatrixView& w, std::size_t count) {
  std::vector<double> unit(count * w.cols);
  for (std::size_t k = 0; k < count; ++k) {
    const auto row = w.values.subspan(k * w.rows / count * w.cols, w.cols);
    double squares = 0;
    for (const double x : row) squares += x * x;
    const double norm = std::sqrt(squares);
    if (!(norm > 0) || !std::isfinite(norm)) return {};
    for (std::size_t j = 0; j < w.cols; ++j) unit[k * w.cols + j] = row[j] / norm;
  }
  return unit;
}

double distance(const double* a, const double* b, std::size_t n) {
  // Four partial sums, so that the loop can run in vector registers in a fixed order.
  double part[4] = {0, 0, 0, 0};
  std::size_t j = 0;
  for (; j + 4 <= n; j += 4)
    for (std::size_t l = 0; l < 4; ++l) part[l] += a[j + l] * b[j + l];
  for (; j < n; ++j) part[0] += a[j] * b[j];
  const double squared = 2 - 2 * ((part[0] + part[1]) + (part[2] + part[3]));
  if (squared > 1e-6) return std::sqrt(squared);
  double direct = 0;
  for (j = 0; j < n; ++j) direct += (a[j] - b[j]) * (a[j] - b[j]);
  return std::sqrt(direct);
}

double energy(const MatrixView& w) {
  const std::size_t m = std::min(w.rows, most_rows);
  const std::vector<double> u = m < 2 ? std::vector<double>() : unit_rows(w, m);
  if (u.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (std::size_t i0 = 0; i0 < m; i0 += block)
    for (std::size_t j0 = i0; j0 < m; j0 += block)
      for (std::size_t i = i0; i < std::min(m, i0 + block); ++i)
        for (std::size_t j = std::max(j0, i + 1); j < std::min(m, j0 + block); ++j)
          sum += 2 / distance(&u[i * w.cols], &u[j * w.cols], w.cols);
  const auto pairs = [](std::size_t n) { return static_cast<double>(n) * static_cast<double>(n - 1); };
  return sum * (pairs(w.rows) / pairs(m));
}

}  // namespace

Measure hyperspherical_energy() {
  return {"hyperspherical_energy",
          "Sum over ordered pairs of rows of the inverse distance of their directions; above 1024 rows "
          "estimated from "
          "1024 evenly spaced rows and scaled to all pairs; infinite when two rows point the same way, NaN "
          "when a row "
          "is zero",
          "1", energy};
}

}  // namespace isorbit::analysis::measures
