// Entrywise 1-norm: sum_ij |w_ij|, the norm WISCA balances (arXiv 2508.16676), accumulated in double.
#include <cmath>

#include "analysis/measure.hpp"

namespace isorbit::analysis::measures {

Measure l1_norm() {
  return {"l1_norm", "Sum of absolute entries", "1", [](const MatrixView& w) {
            double sum = 0;
            for (const double x : w.values) sum += std::abs(x);
            return sum;
          }};
}

}  // namespace isorbit::analysis::measures
