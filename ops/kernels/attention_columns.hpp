// Softmax over the columns of transposed scores: s [keys, block] in f32, a column per query, so that as many
// queries are worked on at once as a vector holds and no sum crosses lanes. With t = c s, c = scale / ln 2:
//   forward   p = 2^(t - m),  m = max over keys of t,  lse / ln 2 = m + log2 sum p;  p is not normalised
//   backward  p = 2^(t - lse / ln 2),  ds = p (dp - delta)
// A hidden key has t = -infinity and p = 0, exactly. p and ds may stand where s and dp stand. block is a
// multiple of 16.
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

/// inverse[i] = 1 / sum over keys of p, lse[i] in nats.
void softmax_columns(const float* s, std::int64_t keys, std::int64_t block, float c, Output p, float* inverse,
                     float* lse);

/// lse2 = lse / ln 2 and delta = sum over features of do o - dlse, one per query. p and ds are stored alike.
void softmax_columns_backward(const float* s, const float* dp, const float* lse2, const float* delta,
                              std::int64_t keys, std::int64_t block, float c, Output p, Output ds);

}  // namespace isorbit::ops::kernels
