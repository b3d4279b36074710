#include "ops/kernels/cross_entropy.hpp"

#include <cmath>

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/cross_entropy.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

template <class L>
HWY_API double loss_row_of(const L* logits, std::int32_t target, std::int64_t n, float& lse) {
  const float most = maximum(logits, n);
  const float total = sum(n, [=](std::int64_t i, auto count)
                                 HWY_ATTR { return exp(load(logits + i, count, -kInfinite) - splat(most)); });
  const double log_total = std::log(static_cast<double>(total));
  lse = static_cast<float>(most + log_total);
  return (static_cast<double>(most) - core::widen(logits[target])) + log_total;
}

HWY_FLATTEN double loss_row(Input logits, std::int32_t target, std::int64_t n, float& lse) {
  return with_stored(logits, [&](const auto* l) HWY_ATTR { return loss_row_of(l, target, n, lse); });
}

template <class L, class D>
HWY_API void gradient_row_of(const L* logits, std::int32_t target, float lse, float all, float hit,
                             std::int64_t n, D* dlogits) {
  const float at_target = all * std::exp(core::widen(logits[target]) - lse) - hit;
  each(0, n, [=](std::int64_t i, auto count) HWY_ATTR {
    store(dlogits + i, exp(load(logits + i, count) - splat(lse)) * splat(all), count);
  });
  put(dlogits + target, at_target);
}

HWY_FLATTEN void gradient_row(Input logits, std::int32_t target, float lse, float all, float hit,
                              std::int64_t n, Output dlogits) {
  with_stored(logits, [&](const auto* l) HWY_ATTR {
    with_stored(dlogits, [&](auto* d) HWY_ATTR { gradient_row_of(l, target, lse, all, hit, n, d); });
  });
}

template <class D>
HWY_API double loss_and_gradient_row_of(float* logits, std::int32_t target, float hit, std::int64_t n,
                                        D* dlogits) {
  const float most = maximum(logits, n), of_target = logits[target];
  const float total = sum(n, [=](std::int64_t i, auto count) HWY_ATTR {
    const Vec e = exp(load(logits + i, count, -kInfinite) - splat(most));
    store(logits + i, e, count);
    return e;
  });
  const float factor = hit / total, at_target = logits[target] * factor - hit;
  each(0, n, [=](std::int64_t i, auto count) HWY_ATTR {
    store(dlogits + i, load(logits + i, count) * splat(factor), count);
  });
  put(dlogits + target, at_target);
  return (static_cast<double>(most) - of_target) + std::log(static_cast<double>(total));
}

HWY_FLATTEN double loss_and_gradient_row(float* logits, std::int32_t target, float hit, std::int64_t n,
                                         Output dlogits) {
  return with_stored(dlogits,
                     [&](auto* d) HWY_ATTR { return loss_and_gradient_row_of(logits, target, hit, n, d); });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(loss_row);
HWY_EXPORT(gradient_row);
HWY_EXPORT(loss_and_gradient_row);

double kernels::loss_row(Input logits, std::int32_t target, std::int64_t n, float& lse) {
  return HWY_DYNAMIC_DISPATCH(loss_row)(logits, target, n, lse);
}

void kernels::gradient_row(Input logits, std::int32_t target, float lse, float all, float hit, std::int64_t n,
                           Output dlogits) {
  HWY_DYNAMIC_DISPATCH(gradient_row)(logits, target, lse, all, hit, n, dlogits);
}

double kernels::loss_and_gradient_row(float* logits, std::int32_t target, float hit, std::int64_t n,
                                      Output dlogits) {
  return HWY_DYNAMIC_DISPATCH(loss_and_gradient_row)(logits, target, hit, n, dlogits);
}

}  // namespace isorbit::ops
#endif
