#include "ops/kernels/activations.hpp"

#include <numbers>

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/activations.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

using kernels::Curve;

struct Silu {
  HWY_INLINE Vec value(Vec x) const { return x * logistic(x); }
  HWY_INLINE Vec slope(Vec x) const {
    const Vec s = logistic(x);
    return s * hn::MulAdd(x, splat(1) - s, splat(1));
  }
};

struct Gelu {
  /// P(Z < x), and exp(-x^2 / 2).
  struct Normal {
    Vec below, bell;
  };
  HWY_INLINE Normal normal(Vec x) const {
    const Vec z = hn::Abs(x) * splat(std::numbers::sqrt2_v<float> * 0.5F);
    const Vec bell = exp(hn::Neg(z * z)), t = splat(1) / hn::MulAdd(z, splat(0.3275911F), splat(1));
    Vec p = splat(1.061405429F);
    p = hn::MulAdd(p, t, splat(-1.453152027F));
    p = hn::MulAdd(p, t, splat(1.421413741F));
    p = hn::MulAdd(p, t, splat(-0.284496736F));
    p = hn::MulAdd(p, t, splat(0.254829592F));
    const Vec tail = p * t * bell * splat(0.5F);
    return {hn::IfThenElse(x < splat(0), tail, splat(1) - tail), bell};
  }
  HWY_INLINE Vec value(Vec x) const { return x * normal(x).below; }
  HWY_INLINE Vec slope(Vec x) const {
    constexpr auto kDensity = static_cast<float>(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
    const Normal n = normal(x);
    return hn::MulAdd(x * n.bell, splat(kDensity), n.below);
  }
};

struct GeluTanh {
  static constexpr auto kTwiceRoot = static_cast<float>(2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  /// 1 + factor x^2.
  HWY_INLINE Vec bent(Vec x, float factor) const { return hn::MulAdd(splat(factor) * x, x, splat(1)); }
  HWY_INLINE Vec share(Vec x) const { return logistic(splat(kTwiceRoot) * x * bent(x, 0.044715F)); }
  HWY_INLINE Vec value(Vec x) const { return x * share(x); }
  HWY_INLINE Vec slope(Vec x) const {
    const Vec s = share(x);
    return hn::MulAdd(x * s * (splat(1) - s) * splat(kTwiceRoot), bent(x, 3 * 0.044715F), s);
  }
};

/// Calls body with the curve.
template <class Body>
HWY_API void with_curve(Curve curve, const Body& body) {
  switch (curve) {
    case Curve::silu:
      return body(Silu());
    case Curve::gelu:
      return body(Gelu());
    case Curve::gelu_tanh:
      return body(GeluTanh());
  }
}

HWY_FLATTEN void activation_range(Curve curve, Input x, Output y, std::int64_t begin, std::int64_t end) {
  with_curve(curve, [=](auto f) HWY_ATTR {
    each(begin, end,
         [=](std::int64_t i, auto count) HWY_ATTR { store(y, i, f.value(load(x, i, count)), count); });
  });
}

HWY_FLATTEN void activation_grad_range(Curve curve, Input x, Input dy, Output dx, std::int64_t begin,
                                       std::int64_t end) {
  with_curve(curve, [=](auto f) HWY_ATTR {
    each(begin, end, [=](std::int64_t i, auto count) HWY_ATTR {
      store(dx, i, f.slope(load(x, i, count)) * load(dy, i, count), count);
    });
  });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(activation_range);
HWY_EXPORT(activation_grad_range);

void kernels::activation(Curve curve, Input x, Output y, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(activation_range)(curve, x, y, begin, end);
}

void kernels::activation_grad(Curve curve, Input x, Input dy, Output dx, std::int64_t begin,
                              std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(activation_grad_range)(curve, x, dy, dx, begin, end);
}

}  // namespace isorbit::ops
#endif
