// SVD entropy (Alter, Brown, Botstein 2000; as used for POET, arXiv 2506.08001):
//   H = -(1 / log n) sum_i p_i log p_i,  p_i = s_i^2 / sum_j s_j^2,  n = min(rows, cols).
// 1 for equal singular values, 0 for rank one.
#include <cmath>
#include <limits>

#include "analysis/measure.hpp"

namespace isorbit::analysis::measures {
namespace {

// Values are scaled by the largest, so that no square overflows or vanishes.
double entropy(const MatrixView& w) {
  const auto s = w.singular_values;
  if (s.size() < 2 || !(s[0] > 0) || !std::isfinite(s[0])) return std::numeric_limits<double>::quiet_NaN();
  double total = 0, sum = 0;
  for (const double x : s) total += (x / s[0]) * (x / s[0]);
  for (const double x : s) {
    const double p = (x / s[0]) * (x / s[0]) / total;
    if (p > 0) sum -= p * std::log(p);
  }
  return sum / std::log(static_cast<double>(s.size()));
}

}  // namespace

Measure svd_entropy() {
  return {"svd_entropy",
          "Entropy of the squared singular values over its maximum: 1 when all are equal, 0 at rank one; NaN "
          "for a "
          "vector or a zero matrix",
          "1", entropy};
}

}  // namespace isorbit::analysis::measures
