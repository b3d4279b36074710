// What the kernels of ops/cayley.cpp and their references in double have in common.
#pragma once
#include <cstdint>

#include "core/graph/op.hpp"

namespace isorbit::ops {

/// Coefficient i of (I + Q)(I + ... + Q^terms).
[[nodiscard]] inline double coefficient(std::int64_t i, std::int64_t terms) {
  return i == 0 || i == terms + 1 ? 1 : 2;
}

/// The truncated series as a polynomial in S: A_j = even(j) I + odd(j) Q, j = 0..last.
struct Series {
  std::int64_t terms;
  [[nodiscard]] std::int64_t last() const { return (terms + 1) / 2; }
  [[nodiscard]] double even(std::int64_t j) const { return coefficient(2 * j, terms); }
  [[nodiscard]] double odd(std::int64_t j) const {
    return 2 * j + 1 <= terms + 1 ? coefficient(2 * j + 1, terms) : 0;
  }
  /// The last A_j is a multiple of I: a product by it costs nothing.
  [[nodiscard]] bool ends_even() const { return terms % 2 == 1; }
  [[nodiscard]] double products() const { return static_cast<double>(1 + last() - (ends_even() ? 1 : 0)); }
  [[nodiscard]] double backward_products() const {
    return static_cast<double>(1 + 2 * last() - (ends_even() ? 2 : 0));
  }
};

/// References: the map by powers of Q rather than by Horner; the gradient by the kernel's steps, which
/// believes the powers it is given.
namespace cayley_reference {
void map(const core::Ref& x);
void powers(const core::Ref& x);
void gradient(const core::Ref& x);
}  // namespace cayley_reference

}  // namespace isorbit::ops
