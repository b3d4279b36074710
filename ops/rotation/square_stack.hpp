// Polynomials of many small square matrices: each thread takes a share of the stack through every product,
// one batched oneDNN call a product, its intermediate results staying in its cache.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/rotation/batched_product.hpp"

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
  /// A buffer of elements() floats: number i of those booked.
  [[nodiscard]] float* buffer(std::size_t i) const {
    return reinterpret_cast<float*>(scratch_ + product_bytes_) + i * buffer_elements();
  }
  [[nodiscard]] std::size_t scratch_bytes(std::size_t buffers) const;
  void place(std::byte* scratch, dnnl::stream& stream) { scratch_ = scratch, stream_ = &stream; }

 private:
  [[nodiscard]] std::size_t buffer_elements() const {
    return (static_cast<std::size_t>(elements()) + 15) / 16 * 16;
  }
  std::int64_t first_, count_, b_;
  std::vector<BatchedProduct> products_;  // by form
  std::size_t product_bytes_ = 0;
  std::byte* scratch_ = nullptr;
  dnnl::stream* stream_ = nullptr;
};

/// A kernel on n matrices of size b that books `buffers` buffers of the whole stack's size: each phase is
/// called with every share, and ends for all of them before the next begins.
using StackPhase = std::function<void(SquareStack&, const core::Binding&)>;
[[nodiscard]] core::Lowered on_stack(std::string name, core::Engine& engine, std::int64_t n, std::int64_t b,
                                     std::size_t buffers, std::vector<StackPhase> phases);

}  // namespace isorbit::ops
