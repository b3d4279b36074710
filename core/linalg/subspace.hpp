// The directions along which a matrix is largest.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace isorbit::core {

/// The `count` leading singular vectors of a matrix's shorter side (the left ones where rows <= cols), as
/// orthonormal rows [count, min(rows, cols)], largest singular value first; computed in double from the
/// eigenvectors of w w^T, so that values below 1e-8 of the largest are not told apart. A vector's sign is
/// LAPACK's. Throws std::invalid_argument where the sizes disagree or there are not so many,
/// std::domain_error on entries that are not finite.
[[nodiscard]] std::vector<float> leading_singular_vectors(std::span<const float> w, std::size_t rows,
                                                          std::size_t cols, std::size_t count);

}  // namespace isorbit::core
