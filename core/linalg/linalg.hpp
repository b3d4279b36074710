// Dense linear algebra in double precision on row-major matrices, by LAPACK.
//
// All functions run LAPACK on one thread, so that it never competes with training threads and the bits do not
// depend on the number of cores.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "core/random/philox.hpp"

namespace isorbit::core {

/// Restricts the BLAS library of this process to one thread. Every function below calls it; so may anyone
/// else.
void use_one_blas_thread();

/// Singular values in descending order, min(rows, cols) of them, computed in double; each within a small
/// multiple of the rounding of the largest. A matrix with an entry that is not finite has NaN singular
/// values. Throws std::invalid_argument when w.size() != rows * cols.
[[nodiscard]] std::vector<double> singular_values(std::span<const float> w, std::size_t rows,
                                                  std::size_t cols);
[[nodiscard]] std::vector<double> singular_values(std::span<const double> w, std::size_t rows,
                                                  std::size_t cols);

/// w = u diag(s) vt with rank = min(rows, cols): u is [rows, rank], s is [rank] descending, vt is [rank,
/// cols].
struct Svd {
  std::size_t rows = 0, cols = 0, rank = 0;
  std::vector<double> u, s, vt;
};

/// Thin singular value decomposition. Throws std::invalid_argument on a size mismatch, std::domain_error on
/// entries that are not finite or when LAPACK does not converge.
[[nodiscard]] Svd svd(std::span<const float> w, std::size_t rows, std::size_t cols);
[[nodiscard]] Svd svd(std::span<const double> w, std::size_t rows, std::size_t cols);

/// out[i, j] = a_i . b_j over the rows of a [a_rows, cols] and b [b_rows, cols]; out is [a_rows, b_rows].
void row_products(std::span<const double> a, std::span<const double> b, std::size_t cols,
                  std::span<double> out);

/// out = in^-1 for an n x n matrix, by LU with partial pivoting in double; `out` may be `in`. Throws
/// std::invalid_argument on a size mismatch and std::domain_error when the matrix is singular or not finite.
void inverse(std::span<const double> in, std::span<double> out, std::size_t n);
void inverse(std::span<const float> in, std::span<float> out, std::size_t n);

/// A Haar-distributed matrix [rows, cols] with orthonormal columns (rows >= cols) or orthonormal rows (rows <
/// cols): the Q of a Gaussian matrix drawn from `random`, signs fixed by the diagonal of R.
[[nodiscard]] std::vector<double> random_orthogonal(std::size_t rows, std::size_t cols, const Philox& random);

}  // namespace isorbit::core
