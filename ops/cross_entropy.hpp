// One row of cross entropy: its loss in nats and its gradient. Logits and gradients are stored as float or
// bf16; arithmetic is in float, the loss of a row in double.
#pragma once
#include <cmath>
#include <span>
#include <stdexcept>
#include <string>

#include "ops/vector_math.hpp"

namespace isorbit::ops {

/// Throws std::out_of_range naming the first row whose target is no class.
inline void check_targets(std::span<const std::int32_t> targets, std::int64_t classes) {
  for (std::size_t r = 0; r < targets.size(); ++r) {
    if (targets[r] >= 0 && targets[r] < classes) continue;
    throw std::out_of_range("cross_entropy: found target " + std::to_string(targets[r]) + " in row " +
                            std::to_string(r) + "; expected 0 to " + std::to_string(classes - 1));
  }
}

/// The row's loss, and the logarithm of the sum of exp(logits).
template <class L>
double loss_row(const L* logits, std::int32_t target, std::int64_t n, float& lse) {
  const float most = maximum(logits, n);
  const float total =
      sum8(n, [=](std::int64_t i, auto count) { return exp8(load(logits + i, count, -kInfinity) - most); });
  const double log_total = std::log(static_cast<double>(total));
  lse = static_cast<float>(most + log_total);
  return (static_cast<double>(most) - core::widen(logits[target])) + log_total;
}

/// dl_j = all exp(l_j - lse) - [j = t] hit. dlogits may be logits where both are stored alike.
template <class L, class D>
void gradient_row(const L* logits, std::int32_t target, float lse, float all, float hit, std::int64_t n,
                  D* dlogits) {
  const float at_target = all * std::exp(core::widen(logits[target]) - lse) - hit;
  each8(n, [=](std::int64_t i, auto count) {
    store(dlogits + i, exp8(load(logits + i, count) - lse) * all, count);
  });
  put(dlogits + target, at_target);
}

/// The row's loss and dl_j = hit (softmax(l)_j - [j = t]). Overwrites the logits, dlogits may be them.
template <class D>
double loss_and_gradient_row(float* logits, std::int32_t target, float hit, std::int64_t n, D* dlogits) {
  const float most = maximum(logits, n), of_target = logits[target];
  const float total = sum8(n, [=](std::int64_t i, auto count) {
    const Float8 e = exp8(load(logits + i, count, -kInfinity) - most);
    store(logits + i, e, count);
    return e;
  });
  const float factor = hit / total, at_target = logits[target] * factor - hit;
  each8(n, [=](std::int64_t i, auto count) { store(dlogits + i, load(logits + i, count) * factor, count); });
  put(dlogits + target, at_target);
  return (static_cast<double>(most) - of_target) + std::log(static_cast<double>(total));
}

}  // namespace isorbit::ops
