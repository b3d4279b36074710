// Hyperspherical energy (Liu et al., "Learning towards minimum hyperspherical energy", NeurIPS 2018; s = 1):
//   E = sum_{i != j} || u_i - u_j ||^-1,  u_i = w_i / ||w_i||,  over the rows (neurons) of W.
// Low when the directions of the neurons are spread evenly. Distances come from the Gram matrix,
// || u_i - u_j ||^2 = 2 - 2 u_i . u_j, a block of rows at a time: O(m^2 n) for m rows, in double. Where the
// dot product is near 1 the subtraction would cancel, so there the distance is taken directly. Above 1024
// rows the sum runs over rows floor(k m / 1024), k = 0 .. 1023, and is scaled by m (m - 1) / (1024 * 1023),
// the ratio of the numbers of pairs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/measure.hpp"
#include "core/linalg/linalg.hpp"

namespace isorbit::analysis::measures {
namespace {

constexpr std::size_t most_rows = 1024;
constexpr std::size_t block = 64;

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
  double squares = 0;
  for (std::size_t j = 0; j < n; ++j) squares += (a[j] - b[j]) * (a[j] - b[j]);
  return std::sqrt(squares);
}

double energy(const MatrixView& w) {
  const std::size_t m = std::min(w.rows, most_rows);
  const std::vector<double> u = m < 2 ? std::vector<double>() : unit_rows(w, m);
  if (u.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::span<const double> all(u);
  std::vector<double> products(block * m);
  double sum = 0;
  for (std::size_t i0 = 0; i0 < m; i0 += block) {
    const std::size_t count = std::min(block, m - i0), right = m - i0;
    core::row_products(all.subspan(i0 * w.cols, count * w.cols), all.subspan(i0 * w.cols), w.cols,
                       std::span(products).first(count * right));
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = i + 1; j < right; ++j) {
        const double squared = 2 - 2 * products[i * right + j];
        sum += 2 / (squared > 1e-6 ? std::sqrt(squared)
                                   : distance(&u[(i0 + i) * w.cols], &u[(i0 + j) * w.cols], w.cols));
      }
    }
  }
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
