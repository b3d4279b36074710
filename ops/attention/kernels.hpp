// The kernels of attention and its gradient, and their references in double.
#pragma once
#include <span>
#include <vector>

#include "core/graph/op.hpp"

namespace isorbit::ops::flash {

/// q, k, v -> o, lse.
[[nodiscard]] core::Lowered lower_forward(const core::Lower& x);
/// q, k, v, o, lse, do, dlse (may be absent) -> dq, dk, dv.
[[nodiscard]] core::Lowered lower_backward(const core::Lower& x);

/// Their matrix products, those of all heads' equal blocks as one batch.
[[nodiscard]] std::vector<core::MatrixProduct> products_forward(const core::Infer& x,
                                                                std::span<const core::TensorType> out);
[[nodiscard]] std::vector<core::MatrixProduct> products_backward(const core::Infer& x,
                                                                 std::span<const core::TensorType> out);

void reference_forward(const core::Ref& x);
void reference_backward(const core::Ref& x);

}  // namespace isorbit::ops::flash
