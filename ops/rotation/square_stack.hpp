// Polynomials of many small square matrices: each thread takes a share of the stack through every product,
// one batched oneDNN call a product, its intermediate results staying in its cache.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/gemm.hpp"

namespace isorbit::ops {

/// One thread's share: matrices first..first + count - 1 of size b.
class SquareStack {
 public:
  SquareStack(const core::Engine& engine, std::int64_t first, std::int64_t count, std::int64_t b);
  [[nodiscard]] std::int64_t first() const { return first_; }
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t size() const { return b_; }
  [[nodiscard]] std::int64_t elements() const { return count_ * b_ * b_; }

  /// What product a call of multiply() is: transposes, and whether it adds to z.
  struct Form {
    bool transpose_x = false, transpose_y = false, add = false;
  };
  /// z = op(x) op(y) (+ z) for every matrix of the share.
  void multiply(const float* x, const float* y, float* z, Form form);
  void multiply(const float* x, const float* y, float* z) { multiply(x, y, z, Form{}); }
  /// y += scale I for every matrix y of the share.
  void add_identity(float* y, double scale = 1) const;
  /// A buffer of elements() floats: number i of those booked.
  [[nodiscard]] float* buffer(std::size_t i) const { return buffers_ + i * buffer_elements(); }
  [[nodiscard]] std::size_t scratch_bytes(std::size_t buffers) const;
  /// Gives the share its scratch, before anything is computed. One place() a copy.
  void place(core::Engine& engine, std::size_t slice, std::byte* scratch);

 private:
  [[nodiscard]] std::size_t buffer_elements() const {
    return (static_cast<std::size_t>(elements()) + 15) / 16 * 16;
  }
  std::int64_t first_, count_, b_;
  std::vector<Gemm> products_;      // by form
  std::vector<Gemm::Call> placed_;  // the same
  std::size_t product_bytes_ = 0;
  float* buffers_ = nullptr;
};

/// Flops of a product of every matrix of a stack by another.
[[nodiscard]] inline double stack_flops(std::int64_t count, std::int64_t b) {
  return 2.0 * static_cast<double>(count * b * b) * static_cast<double>(b);
}

/// A kernel on n matrices of size b that books `buffers` buffers of the whole stack's size: each phase is
/// called with every share, and ends for all of them before the next begins.
using StackPhase = std::function<void(SquareStack&, const core::Binding&)>;
[[nodiscard]] core::Lowered on_stack(std::string name, core::Engine& engine, std::int64_t n, std::int64_t b,
                                     std::size_t buffers, std::vector<StackPhase> phases);

}  // namespace isorbit::ops
