// Matrix products as oneDNN matmuls, one a thread: transposes are strides over the dense data, what is added
// is a post-op. Threads are given batches or rows of the result, so that they change no bit.
#pragma once
#include "ops/matmul/geometry.hpp"

namespace isorbit::ops::product {

[[nodiscard]] core::Lowered lower(const core::Lower& x, const Terms& terms);

}  // namespace isorbit::ops::product
