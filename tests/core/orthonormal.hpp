// How far rows are from being orthonormal, for tests.
#pragma once
#include <cmath>
#include <cstddef>
#include <span>

namespace isorbit::testing_support {

/// The largest entry of |P P^T - I| of P [count, length].
inline double orthonormality_defect(std::span<const float> p, std::size_t count) {
  const std::size_t length = p.size() / count;
  double most = 0;
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < count; ++b) {
      double dot = a == b ? -1 : 0;
      for (std::size_t i = 0; i < length; ++i)
        dot += static_cast<double>(p[a * length + i]) * p[b * length + i];
      if (!(std::abs(dot) <= most)) most = std::abs(dot);
    }
  }
  return most;
}

}  // namespace isorbit::testing_support
