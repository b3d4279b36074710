#include "ops/kernels/swiglu.hpp"

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/swiglu.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

HWY_FLATTEN void swiglu_range(Input gate, Input up, Output y, std::int64_t begin, std::int64_t end) {
  each(begin, end, [=](std::int64_t i, auto count) HWY_ATTR {
    const Vec g = load(gate, i, count);
    store(y, i, g * logistic(g) * load(up, i, count), count);
  });
}

HWY_FLATTEN void swiglu_grad_range(Input gate, Input up, Input dy, Output dgate, Output dup,
                                   std::int64_t begin, std::int64_t end) {
  each(begin, end, [=](std::int64_t i, auto count) HWY_ATTR {
    const Vec g = load(gate, i, count), u = load(up, i, count), d = load(dy, i, count), s = logistic(g);
    store(dup, i, d * (g * s), count);
    store(dgate, i, d * u * (s * hn::MulAdd(g, splat(1) - s, splat(1))), count);
  });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(swiglu_range);
HWY_EXPORT(swiglu_grad_range);

void kernels::swiglu(Input gate, Input up, Output y, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(swiglu_range)(gate, up, y, begin, end);
}

void kernels::swiglu_grad(Input gate, Input up, Input dy, Output dgate, Output dup, std::int64_t begin,
                          std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(swiglu_grad_range)(gate, up, dy, dgate, dup, begin, end);
}

}  // namespace isorbit::ops
#endif
