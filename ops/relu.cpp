// relu(x) = max(x, 0); its slope is 1 where x > 0 and 0 elsewhere, at 0 too.
#include "ops/activation.hpp"

namespace isorbit::ops {

core::OpFamily relu() {
  Activation a;
  a.name = "relu";
  a.doc = "y = max(x, 0)";
  a.derivative_doc = "dx = dy where x > 0, else 0";
  a.lower = [](const core::Lower& x) { return lower_value(x, "relu", kernels::Curve::relu); };
  a.lower_slope = [](const core::Lower& x) { return lower_slope(x, "relu_grad", kernels::Curve::relu); };
  a.value = [](double x, const core::Attributes&) { return x > 0 ? x : 0; };
  a.slope = [](double x, const core::Attributes&) { return x > 0 ? 1.0 : 0.0; };
  a.homogeneous = true;
  return activation_family(a);
}

}  // namespace isorbit::ops
