#include "core/linalg/products.hpp"

#include <cblas.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/linalg/linalg.hpp"

namespace isorbit::core {

namespace {

struct Extents {
  int rows, cols;  // as the product reads it
};

std::string text(const Matrix& a) {
  return "[" + std::to_string(a.rows) + ", " + std::to_string(a.cols) + "]" + (a.transposed ? "^T" : "");
}

Extents checked(const Matrix& a) {
  constexpr auto kLimit = static_cast<std::size_t>(std::numeric_limits<int>::max());
  if (a.rows > kLimit || a.cols > kLimit || a.values.size() != a.rows * a.cols)
    throw std::invalid_argument("a product of matrices: found " + std::to_string(a.values.size()) +
                                " entries; expected those of a matrix " + text(a));
  const auto rows = static_cast<int>(a.rows), cols = static_cast<int>(a.cols);
  return a.transposed ? Extents{cols, rows} : Extents{rows, cols};
}

void check_result(std::size_t found, int rows, int cols) {
  const auto expected = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
  if (found != expected)
    throw std::invalid_argument("a product of matrices: found room for " + std::to_string(found) +
                                " entries; expected " + std::to_string(expected));
}

CBLAS_TRANSPOSE order(const Matrix& a) { return a.transposed ? CblasTrans : CblasNoTrans; }

}  // namespace

void multiply(const Matrix& a, const Matrix& b, std::span<float> out, float alpha, float beta) {
  const Extents left = checked(a), right = checked(b);
  if (left.cols != right.rows)
    throw std::invalid_argument("a product of matrices: found " + text(a) + " and " + text(b));
  check_result(out.size(), left.rows, right.cols);
  if (out.empty()) return;
  use_one_blas_thread();
  cblas_sgemm(CblasRowMajor, order(a), order(b), left.rows, right.cols, left.cols, alpha, a.values.data(),
              static_cast<int>(a.cols), b.values.data(), static_cast<int>(b.cols), beta, out.data(),
              right.cols);
}

void multiply_by_own_transpose(const Matrix& a, std::span<float> out, float alpha) {
  const Extents of = checked(a);
  check_result(out.size(), of.rows, of.rows);
  if (out.empty()) return;
  use_one_blas_thread();
  cblas_ssyrk(CblasRowMajor, CblasUpper, order(a), of.rows, of.cols, alpha, a.values.data(),
              static_cast<int>(a.cols), 0, out.data(), of.rows);
  const auto n = static_cast<std::size_t>(of.rows);
  constexpr std::size_t kTile = 32;  // rows and columns that stay in the cache while they are mirrored
  for (std::size_t top = 0; top < n; top += kTile)
    for (std::size_t left = top; left < n; left += kTile)
      for (std::size_t i = top; i < std::min(top + kTile, n); ++i)
        for (std::size_t j = std::max(left, i + 1); j < std::min(left + kTile, n); ++j)
          out[j * n + i] = out[i * n + j];
}

}  // namespace isorbit::core
