// Square matrices in double for references: plain loops over vectors of b b elements.
#pragma once
#include <cstddef>
#include <vector>

namespace isorbit::ops {

using Matrix = std::vector<double>;

/// op(x) op(y), op being the identity or the transpose.
[[nodiscard]] inline Matrix product(const Matrix& x, const Matrix& y, std::size_t b, bool transpose_x = false,
                                    bool transpose_y = false) {
  Matrix z(b * b, 0.0);
  for (std::size_t i = 0; i < b; ++i)
    for (std::size_t k = 0; k < b; ++k)
      for (std::size_t j = 0; j < b; ++j)
        z[i * b + j] += x[transpose_x ? k * b + i : i * b + k] * y[transpose_y ? j * b + k : k * b + j];
  return z;
}

[[nodiscard]] inline Matrix identity(std::size_t b) {
  Matrix one(b * b, 0.0);
  for (std::size_t i = 0; i < b; ++i) one[i * b + i] = 1;
  return one;
}

inline void add(Matrix& y, const Matrix& x, double scale) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += scale * x[i];
}

}  // namespace isorbit::ops
