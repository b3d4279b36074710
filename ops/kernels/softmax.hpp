// One row of softmax and of its gradient, as in ops/softmax.cpp: columns from `seen` on are 0.
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

/// y may be x where both are float.
void softmax_row(Input x, std::int64_t seen, std::int64_t n, Output y);
/// dx may be y or dy where they are stored alike.
void softmax_grad_row(Input y, Input dy, std::int64_t seen, std::int64_t n, Output dx);

}  // namespace isorbit::ops::kernels
