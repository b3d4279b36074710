// relu_squared(x) = max(x, 0)^2 (So et al., Primer, arXiv 2109.08668); its slope is 2 max(x, 0).
#include "ops/activation.hpp"

namespace isorbit::ops {

core::OpFamily relu_squared() {
  Activation a = plain_activation(
      "relu_squared", "y = max(x, 0)^2", [](auto x) { return x > 0 ? x * x : decltype(x)(0); },
      [](auto x) { return x > 0 ? 2 * x : decltype(x)(0); });
  a.degree = 2;
  return activation_family(a);
}

}  // namespace isorbit::ops
