// Spectral norm: the largest singular value s_1.
#include <limits>

#include "analysis/measure.hpp"

namespace isorbit::analysis::measures {

Measure spectral_norm() {
  return {"spectral_norm", "Largest singular value", "1", [](const MatrixView& w) {
            return w.singular_values.empty() ? std::numeric_limits<double>::quiet_NaN()
                                             : w.singular_values[0];
          }};
}

}  // namespace isorbit::analysis::measures
