// Skew-symmetric matrices Q [b, b] by their strict upper triangle x [b(b-1)/2], row by row: Q_ij = x_k for
// i < j, Q_ji = -Q_ij, Q_ii = 0.
#pragma once
#include <cstdint>

namespace isorbit::ops {

/// Entries of a strict upper triangle.
[[nodiscard]] inline std::int64_t triangle(std::int64_t b) { return b * (b - 1) / 2; }

template <class Number>
void unfold(const Number* x, Number* q, std::int64_t b) {
  for (std::int64_t i = 0; i < b; ++i) {
    q[i * b + i] = 0;
    for (std::int64_t j = i + 1; j < b; ++j, ++x) {
      q[i * b + j] = *x;
      q[j * b + i] = -*x;
    }
  }
}

/// x_k = d_ij - d_ji: the transpose of unfold().
template <class Number>
void fold(const Number* d, Number* x, std::int64_t b) {
  for (std::int64_t i = 0; i < b; ++i) {
    for (std::int64_t j = i + 1; j < b; ++j, ++x) *x = d[i * b + j] - d[j * b + i];
  }
}

}  // namespace isorbit::ops
