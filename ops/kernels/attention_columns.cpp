// 2^t = 2^n 2^r with n = round(t), |r| <= 1/2 and 2^r = 1 + r q(r), q the polynomial of degree 5 through six
// Chebyshev nodes (relative error 2^-26); 0 below -126.5, infinity from 128 on.
#include "ops/kernels/attention_columns.hpp"

#include <cmath>

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/attention_columns.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

HWY_API Vec power_of_two(Vec t) {
  const Vec magic = splat(12582912.0F);
  const Vec clamped = hn::Min(splat(128.0F), hn::Max(splat(-127.0F), t));  // keeps NaN
  const Vec shifted = clamped + magic;
  const Vec r = clamped - (shifted - magic);
  Vec q = splat(1.54531634e-4F);
  q = hn::MulAdd(q, r, splat(1.33908633e-3F));
  q = hn::MulAdd(q, r, splat(9.61808302e-3F));
  q = hn::MulAdd(q, r, splat(5.55035695e-2F));
  q = hn::MulAdd(q, r, splat(0.240226507F));
  q = hn::MulAdd(q, r, splat(0.693147182F));
  return hn::MulAdd(q, r, splat(1)) * power_of_integer(shifted, magic);
}

/// In bf16 a tie is rounded away from zero, which saves half of the work: what is stored here is read by a
/// product only.
HWY_API void store_column(float* p, Vec v) { store(p, v); }
HWY_API void store_column(core::Bf16* p, Vec v) {
  store_upper(p, hn::BitCast(Words(), v) + hn::Set(Words(), 0x8000));
}

/// Columns i and on, `two` vectors of them or one.
template <bool two, class P>
HWY_API void forward(const float* s, std::int64_t i, std::int64_t end, std::int64_t block, Vec c, P* p,
                     float* totals, float* mosts) {
  Vec most0 = splat(-kInfinite), most1 = most0, total0 = splat(0), total1 = total0;
  for (std::int64_t at = i; at < end; at += block) {
    most0 = hn::Max(load(s + at) * c, most0);
    if constexpr (two) most1 = hn::Max(load(s + at + kLanes) * c, most1);
  }
  for (std::int64_t at = i; at < end; at += block) {
    const Vec p0 = power_of_two(load(s + at) * c - most0);
    total0 = total0 + p0;
    if constexpr (two) {
      const Vec p1 = power_of_two(load(s + at + kLanes) * c - most1);
      total1 = total1 + p1;
      store_column(p + at + kLanes, p1);
    }
    store_column(p + at, p0);
  }
  store(totals + i, total0), store(mosts + i, most0);
  if constexpr (two) store(totals + i + kLanes, total1), store(mosts + i + kLanes, most1);
}

HWY_FLATTEN void softmax_columns(const float* s, std::int64_t keys, std::int64_t block, float c, Output p,
                                 float* inverse, float* lse) {
  with_stored(p, [&](auto* to) HWY_ATTR {
    std::int64_t i = 0;
    for (; i + 2 * kLanes <= block; i += 2 * kLanes)
      forward<true>(s, i, keys * block, block, splat(c), to, inverse, lse);
    if (i < block) forward<false>(s, i, keys * block, block, splat(c), to, inverse, lse);
  });
  constexpr float kLn2 = 0.693147181F;
  for (std::int64_t i = 0; i < block; ++i) {
    lse[i] = (lse[i] + std::log2(inverse[i])) * kLn2;
    inverse[i] = 1 / inverse[i];
  }
}

template <class P>
HWY_API void backward(const float* s, const float* dp, Vec lse, Vec delta, std::int64_t at, Vec c, P* p,
                      P* ds) {
  const Vec probability = power_of_two(load(s + at) * c - lse);
  const Vec slope = probability * (load(dp + at) - delta);
  store_column(p + at, probability);
  store_column(ds + at, slope);
}

template <bool two, class P>
HWY_API void backward_columns(const float* s, const float* dp, const float* lse2, const float* delta,
                              std::int64_t i, std::int64_t end, std::int64_t block, Vec c, P* p, P* ds) {
  const std::int64_t j = two ? i + kLanes : i;
  const Vec lse0 = load(lse2 + i), lse1 = load(lse2 + j), delta0 = load(delta + i), delta1 = load(delta + j);
  for (std::int64_t at = i; at < end; at += block) {
    backward(s, dp, lse0, delta0, at, c, p, ds);
    if constexpr (two) backward(s, dp, lse1, delta1, at + kLanes, c, p, ds);
  }
}

HWY_FLATTEN void softmax_columns_backward(const float* s, const float* dp, const float* lse2,
                                          const float* delta, std::int64_t keys, std::int64_t block, float c,
                                          Output p, Output ds) {
  with_stored(p, [&]<class P>(P* to) HWY_ATTR {
    P* to_ds = static_cast<P*>(ds.data);
    std::int64_t i = 0;
    for (; i + 2 * kLanes <= block; i += 2 * kLanes)
      backward_columns<true>(s, dp, lse2, delta, i, keys * block, block, splat(c), to, to_ds);
    if (i < block) backward_columns<false>(s, dp, lse2, delta, i, keys * block, block, splat(c), to, to_ds);
  });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(softmax_columns);
HWY_EXPORT(softmax_columns_backward);

void kernels::softmax_columns(const float* s, std::int64_t keys, std::int64_t block, float c, Output p,
                              float* inverse, float* lse) {
  HWY_DYNAMIC_DISPATCH(softmax_columns)(s, keys, block, c, p, inverse, lse);
}

void kernels::softmax_columns_backward(const float* s, const float* dp, const float* lse2, const float* delta,
                                       std::int64_t keys, std::int64_t block, float c, Output p, Output ds) {
  HWY_DYNAMIC_DISPATCH(softmax_columns_backward)(s, dp, lse2, delta, keys, block, c, p, ds);
}

}  // namespace isorbit::ops
#endif
