// Rows of n elements of root-mean-square normalisation and its gradient, as in ops/rms_norm.cpp.
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

/// Rows [first, last) of x [rows, n]; y may be x where both are float.
void rms_norm(const float* x, const float* weight, float epsilon, std::int64_t n, std::int64_t first,
              std::int64_t last, Output y, float* reciprocals);

/// What the gradient reads. dy and dr are absent where null.
struct RmsNormGrad {
  const float *x, *weight, *reciprocals;
  Input dy;
  const float* dr;
};
/// Rows [first, last) of dx, and their part of the weight's gradient added to dweight [n]. dx may be x or dy
/// where they are stored alike.
void rms_norm_grad(const RmsNormGrad& in, std::int64_t n, std::int64_t first, std::int64_t last, float* dx,
                   float* dweight);

}  // namespace isorbit::ops::kernels
