// relu(x) = max(x, 0); its slope is 1 where x > 0 and 0 elsewhere, at 0 too.
#include "ops/activation.hpp"

namespace isorbit::ops {

core::OpFamily relu() {
  Activation a = plain_activation(
      "relu", "y = max(x, 0)", [](auto x) { return x > 0 ? x : decltype(x)(0); },
      [](auto x) { return decltype(x)(x > 0 ? 1 : 0); });
  a.degree = 1;
  return activation_family(a);
}

}  // namespace isorbit::ops
