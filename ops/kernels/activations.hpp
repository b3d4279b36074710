// Activations y = f(x) elementwise and dx = f'(x) dy over elements [begin, end). Outputs may be inputs.
// gelu is the exact one: P(Z < x) is 1 - exp(-x^2 / 2) t (a_1 + a_2 t + .. + a_5 t^4) / 2 for x > 0 with
// t = 1 / (1 + p z) and z = |x| / sqrt 2, within 1e-7 (Abramowitz and Stegun, 7.1.26), and its mirror image
// for x < 0.
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

enum class Curve { silu, gelu, gelu_tanh };

void activation(Curve curve, Input x, Output y, std::int64_t begin, std::int64_t end);
void activation_grad(Curve curve, Input x, Input dy, Output dx, std::int64_t begin, std::int64_t end);

}  // namespace isorbit::ops::kernels
