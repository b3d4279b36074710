#include "core/linalg/subspace.hpp"

#include <cblas.h>
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/linalg/linalg.hpp"

namespace isorbit::core {

namespace {

void check(std::span<const float> w, std::size_t rows, std::size_t cols, std::size_t count) {
  constexpr auto kLimit = static_cast<std::size_t>(std::numeric_limits<lapack_int>::max());
  const std::string shape = "[" + std::to_string(rows) + ", " + std::to_string(cols) + "]";
  if (rows > kLimit || cols > kLimit || w.size() != rows * cols)
    throw std::invalid_argument("leading singular vectors: found " + std::to_string(w.size()) +
                                " entries; expected those of a matrix " + shape);
  if (count > std::min(rows, cols))
    throw std::invalid_argument("leading singular vectors: found " + std::to_string(count) +
                                " asked for; expected at most the shorter side of a matrix " + shape);
  if (!std::ranges::all_of(w, [](float x) { return std::isfinite(x); }))
    throw std::domain_error("leading singular vectors of a matrix " + shape +
                            ": found an entry that is not finite");
}

}  // namespace

std::vector<float> leading_singular_vectors(std::span<const float> w, std::size_t rows, std::size_t cols,
                                            std::size_t count) {
  check(w, rows, cols, count);
  if (count == 0) return {};
  use_one_blas_thread();
  const bool left = rows <= cols;
  const auto n = static_cast<lapack_int>(std::min(rows, cols)), wanted = static_cast<lapack_int>(count);
  const std::vector<double> wide(w.begin(), w.end());
  const std::size_t side = std::min(rows, cols);
  std::vector<double> gram(side * side), values(side), vectors(count * side);
  cblas_dsyrk(CblasRowMajor, CblasUpper, left ? CblasNoTrans : CblasTrans, n,
              static_cast<int>(std::max(rows, cols)), 1, wide.data(), static_cast<int>(cols), 0, gram.data(),
              n);
  std::vector<lapack_int> support(2 * count);
  lapack_int found = 0;
  // Row-major upper is column-major lower; a column of the result is a row of ours, smallest first.
  const lapack_int info =
      LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', n, gram.data(), n, 0, 0, n - wanted + 1, n, 0, &found,
                     values.data(), vectors.data(), n, support.data());
  if (info != 0 || found != wanted)
    throw std::domain_error("leading singular vectors: LAPACK's dsyevr did not converge (info " +
                            std::to_string(info) + ")");
  std::vector<float> out(count * side);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < side; ++j)
      out[i * side + j] = static_cast<float>(vectors[(count - 1 - i) * side + j]);
  return out;
}

}  // namespace isorbit::core
