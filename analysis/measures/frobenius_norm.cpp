// Frobenius norm: sqrt(sum_ij w_ij^2), accumulated in double.
#include <cmath>

#include "analysis/measure.hpp"

namespace isorbit::analysis::measures {

Measure frobenius_norm() {
  return {"frobenius_norm", "Root of the sum of squared entries", "1", [](const MatrixView& w) {
            double squares = 0;
            for (const double x : w.values) squares += x * x;
            return std::sqrt(squares);
          }};
}

}  // namespace isorbit::analysis::measures
