// gelu(x) = x P(Z < x) for a standard normal Z (Hendrycks and Gimpel, arXiv 1606.08415). Forms:
//   erf   x (1 + erf(x / sqrt 2)) / 2
//   tanh  x (1 + tanh(u)) / 2 = x / (1 + exp(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3)
#include <cmath>
#include <numbers>

#include "ops/activation.hpp"

namespace isorbit::ops {

namespace {

using core::Attributes;

bool by_tanh(const Attributes& attributes) { return attributes.text("form") == "tanh"; }

double value(double x, const Attributes& attributes) {
  if (!by_tanh(attributes)) return x * (1 + std::erf(x / std::numbers::sqrt2)) / 2;
  return x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))) / 2;
}

double slope(double x, const Attributes& attributes) {
  if (!by_tanh(attributes)) {
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    return (1 + std::erf(x / std::numbers::sqrt2)) / 2 + x * density;
  }
  const double root = std::sqrt(2 / std::numbers::pi);
  const double t = std::tanh(root * (x + 0.044715 * x * x * x));
  return (1 + t) / 2 + x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x) / 2;
}

}  // namespace

core::OpFamily gelu() {
  Activation a;
  a.name = "gelu";
  a.doc = "y = x P(Z < x) for a standard normal Z, exactly or by tanh";
  a.derivative_doc = "dx = dy times the slope of gelu at x";
  a.attributes = {{"form", core::Spec::text().one_of({"erf", "tanh"}), "exact (erf) or approximated (tanh)",
                   core::Json("erf"), false}};
  a.sample_attributes = {{{"form", "erf"}}, {{"form", "tanh"}}};
  a.lower = [](const core::Lower& x) {
    return by_tanh(x) ? lower_value(x, "gelu_tanh", kernels::Curve::gelu_tanh)
                      : lower_value(x, "gelu", kernels::Curve::gelu);
  };
  a.lower_slope = [](const core::Lower& x) {
    return by_tanh(x) ? lower_slope(x, "gelu_tanh_grad", kernels::Curve::gelu_tanh)
                      : lower_slope(x, "gelu_grad", kernels::Curve::gelu);
  };
  a.value = value;
  a.slope = slope;
  return activation_family(a);
}

}  // namespace isorbit::ops
