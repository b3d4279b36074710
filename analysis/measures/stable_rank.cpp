// Stable rank: ||W||_F^2 / s_1^2 = sum_i s_i^2 / s_1^2, between 1 and the rank.
#include <cmath>
#include <limits>

#include "analysis/measure.hpp"

namespace isorbit::analysis::measures {
namespace {

double rank(const MatrixView& w) {
  const auto s = w.singular_values;
  if (s.empty() || !(s[0] > 0) || !std::isfinite(s[0])) return std::numeric_limits<double>::quiet_NaN();
  double total = 0;
  for (const double x : s) total += (x / s[0]) * (x / s[0]);
  return total;
}

}  // namespace

Measure stable_rank() {
  return {"stable_rank",
          "Squared Frobenius norm over squared spectral norm, from 1 to the rank; NaN for a zero matrix", "1",
          rank};
}

}  // namespace isorbit::analysis::measures
