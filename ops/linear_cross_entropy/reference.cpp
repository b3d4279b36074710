#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/cross_entropy.hpp"
#include "ops/linear_cross_entropy/kernels.hpp"

namespace isorbit::ops::head {

void reference(const core::Ref& x, bool gradients) {
  const auto targets = x.index(2);
  const auto classes = static_cast<std::size_t>(x.in_shape(1)[0]), width = x.in(1).size() / classes;
  check_targets(targets, x.in_shape(1)[0]);
  const auto rows = static_cast<double>(targets.size());
  double sum = 0;
  std::vector<double> row(classes);
  for (std::size_t r = 0; r < targets.size(); ++r) {
    for (std::size_t c = 0; c < classes; ++c) {
      row[c] = 0;
      for (std::size_t k = 0; k < width; ++k) row[c] += x.in(0)[r * width + k] * x.in(1)[c * width + k];
    }
    const double most = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (const double l : row) total += std::exp(l - most);
    const auto target = static_cast<std::size_t>(targets[r]);
    sum += most + std::log(total) - row[target];
    for (std::size_t c = 0; gradients && c < classes; ++c) {
      const double d = x.in(3)[0] / rows * (std::exp(row[c] - most) / total - (c == target ? 1 : 0));
      for (std::size_t k = 0; k < width; ++k) {
        x.out(1)[r * width + k] += d * x.in(1)[c * width + k];
        if (x.flag("weight")) x.out(2)[c * width + k] += d * x.in(0)[r * width + k];
      }
    }
  }
  x.out(0)[0] = sum / rows;
}

}  // namespace isorbit::ops::head
