#include "ops/kernels/softmax.hpp"

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/softmax.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

template <class X, class Y>
HWY_API void forward_row(const X* x, std::int64_t seen, std::int64_t n, Y* y) {
  const float most = maximum(x, seen);
  const auto at = [=](std::int64_t i, auto count)
                      HWY_ATTR { return exp(load(x + i, count, -kInfinite) - splat(most)); };
  if constexpr (std::is_same_v<Y, float>) {
    const float total = sum(seen, [=](std::int64_t i, auto count) HWY_ATTR {
      const Vec e = at(i, count);
      store(y + i, e, count);
      return e;
    });
    const Vec inverse = splat(1 / total);
    each(0, seen,
         [=](std::int64_t i, auto count) HWY_ATTR { store(y + i, load(y + i, count) * inverse, count); });
  } else {  // rounded once
    const Vec inverse = splat(1 / sum(seen, at));
    each(0, seen, [=](std::int64_t i, auto count) HWY_ATTR { store(y + i, at(i, count) * inverse, count); });
  }
  std::fill(y + seen, y + n, Y{});
}

HWY_FLATTEN void softmax_row(Input x, std::int64_t seen, std::int64_t n, Output y) {
  with_stored(x, [&](const auto* from) HWY_ATTR {
    with_stored(y, [&](auto* to) HWY_ATTR { forward_row(from, seen, n, to); });
  });
}

HWY_FLATTEN void softmax_grad_row(Input y, Input dy, std::int64_t seen, std::int64_t n, Output dx) {
  const Vec dot = splat(
      sum(seen, [=](std::int64_t i, auto count) HWY_ATTR { return load(y, i, count) * load(dy, i, count); }));
  each(0, seen, [=](std::int64_t i, auto count) HWY_ATTR {
    store(dx, i, load(y, i, count) * (load(dy, i, count) - dot), count);
  });
  with_stored(dx, [&]<class X>(X* to) HWY_ATTR { std::fill(to + seen, to + n, X{}); });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(softmax_row);
HWY_EXPORT(softmax_grad_row);

void kernels::softmax_row(Input x, std::int64_t seen, std::int64_t n, Output y) {
  HWY_DYNAMIC_DISPATCH(softmax_row)(x, seen, n, y);
}

void kernels::softmax_grad_row(Input y, Input dy, std::int64_t seen, std::int64_t n, Output dx) {
  HWY_DYNAMIC_DISPATCH(softmax_grad_row)(y, dy, seen, n, dx);
}

}  // namespace isorbit::ops
#endif
