// Softmax over the columns of transposed scores: s [keys, block] in f32, a column per query, so that eight
// queries are worked on at once and no sum crosses lanes. With t = c s, c = scale / ln 2:
//   forward   p = 2^(t - m),  m = max over keys of t,  lse / ln 2 = m + log2 sum p;  p is not normalised
//   backward  p = 2^(t - lse / ln 2),  ds = p (dp - delta)
// A hidden key has t = -infinity and p = 0, exactly. p and ds may stand where s and dp stand.
//
// 2^t = 2^n 2^r with n = round(t), |r| <= 1/2 and 2^r = 1 + r q(r), q the polynomial of degree 5 through six
// Chebyshev nodes (relative error 2^-26); 0 below -126.5, infinity from 128 on.
#pragma once
#include <cmath>

#include "ops/vector_math.hpp"

namespace isorbit::ops::flash {

inline constexpr std::int64_t kLanes = 16;  // columns worked on at a time: a cache line

[[nodiscard]] inline Float8 power_of_two(Float8 t) {
  const Float8 magic = splat(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Float8 clamped = _mm256_min_ps(splat(128.0F), _mm256_max_ps(splat(-127.0F), t));  // keeps NaN
  const Float8 shifted = clamped + magic;
  const Float8 r = clamped - (shifted - magic);
  Float8 q = splat(1.54531634e-4F);
  q = q * r + 1.33908633e-3F;
  q = q * r + 9.61808302e-3F;
  q = q * r + 5.55035695e-2F;
  q = q * r + 0.240226507F;
  q = q * r + 0.693147182F;
  const Bits8 exponent = (std::bit_cast<Bits8>(shifted) - std::bit_cast<Bits8>(magic) + 127U) << 23U;
  return (q * r + 1.0F) * std::bit_cast<Float8>(exponent);
}

/// Stores sixteen columns. In bf16 a tie is rounded away from zero, which saves half of the work: what is
/// stored here is read by a product only.
inline void store_columns(float* p, Float8 a, Float8 b) { store(p, a), store(p + 8, b); }
inline void store_columns(core::Bf16* p, Float8 a, Float8 b) {
  const auto upper = [](Float8 v) {
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_castps_si256(v), _mm256_set1_epi32(0x8000)), 16);
  };
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(upper(a), upper(b)), 0xd8);
  std::memcpy(&p->bits, &words, sizeof words);
}

/// Hides key j from query j - first and earlier ones of the block, for keys from the block's `first` on.
inline void hide_future(float* s, std::int64_t first, std::int64_t keys, std::int64_t block, float c) {
  for (std::int64_t j = first + 1; j < keys; ++j)
    std::fill(s + j * block, s + j * block + std::min(j - first, block), c < 0 ? kInfinity : -kInfinity);
}

/// inverse[i] = 1 / sum over keys of p, lse[i] in nats.
template <class P>
inline void softmax_columns(const float* s, std::int64_t keys, std::int64_t block, float c, P* p,
                            float* inverse, float* lse) {
  constexpr float kLn2 = 0.693147181F;
  for (std::int64_t i = 0; i < block; i += kLanes) {
    Float8 most0 = splat(-kInfinity), most1 = most0, total0 = {}, total1 = {};
    for (std::int64_t at = i; at < keys * block; at += block) {
      most0 = _mm256_max_ps(load(s + at) * c, most0);
      most1 = _mm256_max_ps(load(s + at + 8) * c, most1);
    }
    for (std::int64_t at = i; at < keys * block; at += block) {
      const Float8 p0 = power_of_two(load(s + at) * c - most0);
      const Float8 p1 = power_of_two(load(s + at + 8) * c - most1);
      store_columns(p + at, p0, p1);
      total0 += p0, total1 += p1;
    }
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const float total = lane < 8 ? total0[lane] : total1[lane - 8];
      const float most = lane < 8 ? most0[lane] : most1[lane - 8];
      inverse[i + lane] = 1 / total;
      lse[i + lane] = (most + std::log2(total)) * kLn2;
    }
  }
}

/// lse2 = lse / ln 2 and delta = sum over features of do o - dlse, one per query.
template <class P>
inline void softmax_columns_backward(const float* s, const float* dp, const float* lse2, const float* delta,
                                     std::int64_t keys, std::int64_t block, float c, P* p, P* ds) {
  for (std::int64_t i = 0; i < block; i += kLanes) {
    const Float8 lse0 = load(lse2 + i), lse1 = load(lse2 + i + 8);
    const Float8 delta0 = load(delta + i), delta1 = load(delta + i + 8);
    for (std::int64_t at = i; at < keys * block; at += block) {
      const Float8 p0 = power_of_two(load(s + at) * c - lse0);
      const Float8 p1 = power_of_two(load(s + at + 8) * c - lse1);
      const Float8 ds0 = p0 * (load(dp + at) - delta0), ds1 = p1 * (load(dp + at + 8) - delta1);
      store_columns(p + at, p0, p1);
      store_columns(ds + at, ds0, ds1);
    }
  }
}

}  // namespace isorbit::ops::flash
