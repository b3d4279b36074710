// Sizes of y = alpha op(a) op(b) + bias + addend: op(a) [..., M, K], op(b) [..., K, N], bias [N], addend and
// y
// [..., M, N]; op is the identity or swaps the last two axes. Batch axes are equal, or 1 on either side. When
// b is a matrix and a has more axes, a's leading axes are rows: y [..., N].
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "core/graph/op.hpp"

namespace isorbit::ops::product {

struct Geometry {
  std::vector<std::int64_t> a_batch, b_batch, batch;  // of equal rank
  std::int64_t m = 0, n = 0, k = 0;                   // m counts the flattened rows
  core::Shape result;
};

[[nodiscard]] Geometry geometry(const core::Shape& a, const core::Shape& b, bool transpose_a,
                                bool transpose_b);
/// Of inputs 0 and 1 and the attributes transpose_a and transpose_b.
[[nodiscard]] Geometry geometry(const core::Infer& x);

/// The inputs that are added to the product.
struct Terms {
  std::optional<std::size_t> addend;
  std::size_t bias = 2;  // may be absent
};

/// Refuses (OpError) what does not fit.
[[nodiscard]] std::vector<core::TensorType> infer(const core::Infer& x, const Terms& terms);

/// A multiply-add per element of the result and of the sum, and the addend.
[[nodiscard]] double flops(const core::Infer& x, const Terms& terms);

[[nodiscard]] std::vector<core::MatrixProduct> products(const core::Infer& x,
                                                        std::span<const core::TensorType> out);

}  // namespace isorbit::ops::product
