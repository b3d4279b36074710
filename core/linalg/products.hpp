// Products of row-major matrices in single precision by BLAS, each on the thread that asks for it.
#pragma once
#include <cstddef>
#include <span>

namespace isorbit::core {

/// A matrix [rows, cols] as it lies in memory; a product reads its transpose where `transposed` is set.
struct Matrix {
  std::span<const float> values;
  std::size_t rows = 0, cols = 0;
  bool transposed = false;
};

/// out = alpha a b + beta out. Throws std::invalid_argument where the sizes disagree.
void multiply(const Matrix& a, const Matrix& b, std::span<float> out, float alpha = 1, float beta = 0);

/// out = alpha a a^T, all of it: half the work of multiply(). Throws std::invalid_argument where the sizes
/// disagree.
void multiply_by_own_transpose(const Matrix& a, std::span<float> out, float alpha = 1);

}  // namespace isorbit::core
