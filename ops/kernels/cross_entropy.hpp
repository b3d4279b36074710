// One row of cross entropy: its loss in nats and its gradient. Logits and gradients are stored as float or
// bf16; arithmetic is in float, the loss of a row in double.
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

/// The row's loss, and the logarithm of the sum of exp(logits).
[[nodiscard]] double loss_row(Input logits, std::int32_t target, std::int64_t n, float& lse);

/// dl_j = all exp(l_j - lse) - [j = t] hit. dlogits may be logits where both are stored alike.
void gradient_row(Input logits, std::int32_t target, float lse, float all, float hit, std::int64_t n,
                  Output dlogits);

/// The row's loss and dl_j = hit (softmax(l)_j - [j = t]). Overwrites the logits, dlogits may be them.
[[nodiscard]] double loss_and_gradient_row(float* logits, std::int32_t target, float hit, std::int64_t n,
                                           Output dlogits);

}  // namespace isorbit::ops::kernels
