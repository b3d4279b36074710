#include "ops/kernels/rms_norm.hpp"

#include <cmath>

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/rms_norm.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

template <class Y>
HWY_API void forward_row(const float* x, const float* weight, float epsilon, std::int64_t n, Y* y,
                         float& reciprocal) {
  const float squares = sum(n, [=](std::int64_t i, auto count) HWY_ATTR {
    const Vec v = load(x + i, count);
    return v * v;
  });
  reciprocal = 1 / std::sqrt(squares / static_cast<float>(n) + epsilon);
  each(0, n, [=, r = splat(reciprocal)](std::int64_t i, auto count) HWY_ATTR {
    store(y + i, load(x + i, count) * r * load(weight + i, count), count);
  });
}

HWY_FLATTEN void rms_norm_rows(const float* x, const float* weight, float epsilon, std::int64_t n,
                               std::int64_t first, std::int64_t last, Output y, float* reciprocals) {
  with_stored(y, [&](auto* to) HWY_ATTR {
    for (std::int64_t row = first; row < last; ++row)
      forward_row(x + row * n, weight, epsilon, n, to + row * n, reciprocals[row]);
  });
}

template <class DY>
HWY_API void backward_row(const float* x, const float* weight, float r, DY dy, float dr, std::int64_t n,
                          float* dx, float* dweight) {
  const float dot = sum(n, [=](std::int64_t i, auto count) HWY_ATTR {
    return load(x + i, count) * load(weight + i, count) * dy(i, count);
  });
  const float along = r * r * r * (dot + dr) / static_cast<float>(n);
  each(0, n, [=](std::int64_t i, auto count) HWY_ATTR {
    const Vec v = load(x + i, count), scaled = dy(i, count) * splat(r);
    store(dweight + i, hn::MulAdd(scaled, v, load(dweight + i, count)), count);
    store(dx + i, hn::NegMulAdd(v, splat(along), scaled * load(weight + i, count)), count);
  });
}

template <class DY>
HWY_API void backward_rows(const kernels::RmsNormGrad& in, const DY* dy, std::int64_t n, std::int64_t first,
                           std::int64_t last, float* dx, float* dweight) {
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t at = row * n;
    const float r = in.reciprocals[row], dr = in.dr ? in.dr[row] : 0;
    if (dy != nullptr) {
      const auto given = [=](std::int64_t i, auto count) HWY_ATTR { return load(dy + at + i, count); };
      backward_row(in.x + at, in.weight, r, given, dr, n, dx + at, dweight);
    } else {
      const auto absent = [](std::int64_t, auto) HWY_ATTR { return splat(0); };
      backward_row(in.x + at, in.weight, r, absent, dr, n, dx + at, dweight);
    }
  }
}

HWY_FLATTEN void rms_norm_grad_rows(const kernels::RmsNormGrad& in, std::int64_t n, std::int64_t first,
                                    std::int64_t last, float* dx, float* dweight) {
  with_stored(in.dy, [&](const auto* dy) HWY_ATTR { backward_rows(in, dy, n, first, last, dx, dweight); });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(rms_norm_rows);
HWY_EXPORT(rms_norm_grad_rows);

void kernels::rms_norm(const float* x, const float* weight, float epsilon, std::int64_t n, std::int64_t first,
                       std::int64_t last, Output y, float* reciprocals) {
  HWY_DYNAMIC_DISPATCH(rms_norm_rows)(x, weight, epsilon, n, first, last, y, reciprocals);
}

void kernels::rms_norm_grad(const RmsNormGrad& in, std::int64_t n, std::int64_t first, std::int64_t last,
                            float* dx, float* dweight) {
  HWY_DYNAMIC_DISPATCH(rms_norm_grad_rows)(in, n, first, last, dx, dweight);
}

}  // namespace isorbit::ops
#endif
