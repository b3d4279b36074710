// gelu(x) = x P(Z < x) for a standard normal Z (Hendrycks and Gimpel, arXiv 1606.08415). Forms:
//   erf   x (1 + erf(x / sqrt 2)) / 2
//   tanh  x (1 + tanh(u)) / 2 = x / (1 + exp(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3)
// On eight floats P(Z < x) is 1 - exp(-x^2 / 2) t (a_1 + a_2 t + .. + a_5 t^4) / 2 for x > 0, t = 1 / (1 + p
// z) and z = |x| / sqrt 2, within 1e-7 (Abramowitz and Stegun, 7.1.26), and its mirror image for x < 0.
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

/// P(Z < x), and exp(-x^2 / 2).
struct Normal8 {
  Float8 below, bell;
};

Normal8 normal8(Float8 x) {
  const Float8 z = (x < 0.0F ? -x : x) * std::numbers::sqrt2_v<float> * 0.5F;
  const Float8 bell = exp8(-z * z), t = 1.0F / (1.0F + z * 0.3275911F);
  Float8 p = splat(1.061405429F);
  p = p * t - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  const Float8 tail = p * t * bell * 0.5F;
  return {x < 0.0F ? tail : 1.0F - tail, bell};
}

Float8 value8(Float8 x) { return x * normal8(x).below; }
Float8 slope8(Float8 x) {
  constexpr auto kDensity = static_cast<float>(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
  const Normal8 n = normal8(x);
  return n.below + x * n.bell * kDensity;
}

constexpr auto kTwiceRoot = static_cast<float>(2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);

Float8 tanh_value8(Float8 x) { return x * logistic8(kTwiceRoot * x * (1.0F + 0.044715F * x * x)); }
Float8 tanh_slope8(Float8 x) {
  const Float8 s = logistic8(kTwiceRoot * x * (1.0F + 0.044715F * x * x));
  return s + x * s * (1.0F - s) * kTwiceRoot * (1.0F + 3 * 0.044715F * x * x);
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
    return by_tanh(x) ? lower_value(x, "gelu_tanh", [](Float8 v) { return tanh_value8(v); })
                      : lower_value(x, "gelu", [](Float8 v) { return value8(v); });
  };
  a.lower_slope = [](const core::Lower& x) {
    return by_tanh(x) ? lower_slope(x, "gelu_tanh_grad", [](Float8 v) { return tanh_slope8(v); })
                      : lower_slope(x, "gelu_grad", [](Float8 v) { return slope8(v); });
  };
  a.value = value;
  a.slope = slope;
  return activation_family(a);
}

}  // namespace isorbit::ops
