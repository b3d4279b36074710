// The machine's ceiling: what the matrix products of a program take as bare oneDNN matmuls.
//   y[batch, m, n] = a[batch, m, k] b[batch, k, n]
#pragma once
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "core/runtime/program.hpp"

namespace isorbit::experiments {

struct Product {
  std::int64_t batch = 1, m = 1, k = 1, n = 1;
  bool transpose_a = false, transpose_b = false;  // stored as [k, m], [n, k]
  core::DType operands = core::DType::f32, result = core::DType::f32;

  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(batch * m) * static_cast<double>(k) * static_cast<double>(n);
  }
  friend auto operator<=>(const Product&, const Product&) = default;
};

/// The product that an executed node is, read off its shapes and transposes; none where the node is not one
/// product of two tensors (its flops are not those of the product).
[[nodiscard]] std::optional<Product> product_of(const core::Graph& graph, const core::Step& step);

/// Milliseconds of the product on all threads of the engine, median over repeats: each thread has one slice
/// (of the batch, or else of the rows). packed: b in the format oneDNN likes best, the packing not timed.
[[nodiscard]] double time_product(core::Engine& engine, const Product& product, bool packed);

struct Ceiling {
  double ms = 0;                       // sum over all executed nodes that multiply matrices
  double measured_flops = 0;           // of the nodes that were measured as bare products
  double estimated_flops = 0;          // of the others: taken at the mean rate of the measured ones
  std::vector<std::string> estimated;  // their ops
};
/// Measures every distinct product once in its best layout.
[[nodiscard]] Ceiling measure_ceiling(const core::Program& program, int threads);

}  // namespace isorbit::experiments
