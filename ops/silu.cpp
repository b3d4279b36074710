// silu(x) = x s(x) with the logistic s(x) = 1 / (1 + exp(-x)), also called swish with beta 1; its slope is
// s(x) (1 + x (1 - s(x))).
#include <cmath>

#include "ops/activation.hpp"

namespace isorbit::ops {

namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

core::OpFamily silu() {
  Activation a;
  a.name = "silu";
  a.doc = "y = x / (1 + exp(-x))";
  a.derivative_doc = "dx = dy times the slope of silu at x";
  a.lower = [](const core::Lower& x) { return lower_value(x, "silu", kernels::Curve::silu); };
  a.lower_slope = [](const core::Lower& x) { return lower_slope(x, "silu_grad", kernels::Curve::silu); };
  a.value = [](double x, const core::Attributes&) { return x * logistic(x); };
  a.slope = [](double x, const core::Attributes&) { return logistic(x) * (1 + x * (1 - logistic(x))); };
  return activation_family(a);
}

}  // namespace isorbit::ops
