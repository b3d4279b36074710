// Arithmetic on eight floats at a time for our own kernels: loads with a tail, sums and maxima in a fixed
// order, exp.
//
// exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2, where exp(r) = 1 + r + r^2 q(r) and q is
// the polynomial of degree 4 through (exp(r) - 1 - r) / r^2 at five Chebyshev nodes (relative error 2^-26).
// Its result is within 2 units in the last place; 0 below -87.3, infinity above 88.3, NaN for NaN.
// A sum depends on its length only, not on the address, the threads or the compiler's mind. Numbers are
// stored as float or bf16; arithmetic is in float.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/runtime/bf16.hpp"

namespace isorbit::ops {

using Float8 = float __attribute__((vector_size(32)));
using Bits8 = std::uint32_t __attribute__((vector_size(32)));
/// The count of a whole group of eight, known to the compiler.
using Eight = std::integral_constant<std::int64_t, 8>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Elements a thread should at least get: less is not worth waking it.
inline constexpr std::int64_t kGrain = 16384;
[[nodiscard]] constexpr std::int64_t row_grain(std::int64_t columns) {
  return std::max<std::int64_t>(1, kGrain / columns);
}

[[nodiscard]] inline Float8 splat(float x) { return Float8{x, x, x, x, x, x, x, x}; }

/// All bits set in the first `count` lanes.
[[nodiscard]] inline __m256i first_lanes(std::int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/// Elements past `count` are `fill`, and are not read.
[[nodiscard]] inline Float8 load(const float* p, std::int64_t count, float fill = 0) {
  const __m256i lanes = first_lanes(count);
  return _mm256_blendv_ps(splat(fill), _mm256_maskload_ps(p, lanes), _mm256_castsi256_ps(lanes));
}
[[nodiscard]] inline Float8 load(const float* p, Eight = {}, float = 0) {
  Float8 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Float8 v, std::int64_t count) { _mm256_maskstore_ps(p, first_lanes(count), v); }
inline void store(float* p, Float8 v, Eight = {}) { std::memcpy(p, &v, sizeof v); }

/// bf16 in memory, f32 in registers; rounded to nearest, ties to even, when stored.
[[nodiscard]] inline Float8 load(const core::Bf16* p, Eight = {}, float = 0) {
  __m128i half;
  std::memcpy(&half, &p->bits, sizeof half);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}
[[nodiscard]] inline Float8 load(const core::Bf16* p, std::int64_t count, float fill = 0) {
  Float8 v = splat(fill);
  for (std::int64_t i = 0; i < count; ++i) v[i] = core::widen(p[i]);
  return v;
}
inline void store(core::Bf16* p, Float8 v, Eight = {}) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(0x40));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i words = _mm256_blendv_epi8(rounded, quiet, is_nan);
  const __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  std::memcpy(&p->bits, &half, sizeof half);
}
inline void store(core::Bf16* p, Float8 v, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) p[i] = core::round_to_bf16(v[i]);
}

/// Stores one number.
inline void put(float* p, float x) { *p = x; }
inline void put(core::Bf16* p, float x) { *p = core::round_to_bf16(x); }

/// Calls body(i, count) for i = 0, 8, ...: count is Eight, or for the tail the number left.
template <class Body>
inline void each8(std::int64_t n, const Body& body) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) body(i, Eight{});
  if (i < n) body(i, n - i);
}

[[nodiscard]] inline Float8 greater(Float8 a, Float8 b) { return a > b ? a : b; }

[[nodiscard]] inline float lanes_sum(Float8 v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}
[[nodiscard]] inline float lanes_max(Float8 v) {
  float most = v[0];
  for (int i = 1; i < 8; ++i) most = v[i] > most ? v[i] : most;
  return most;
}

/// Sum over i of term(i, count), whose lanes past `count` must be 0.
template <class Term>
[[nodiscard]] inline float sum8(std::int64_t n, const Term& term) {
  Float8 a = {}, b = {}, c = {}, d = {};
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    a += term(i, Eight{});
    b += term(i + 8, Eight{});
    c += term(i + 16, Eight{});
    d += term(i + 24, Eight{});
  }
  for (; i + 8 <= n; i += 8) a += term(i, Eight{});
  if (i < n) b += term(i, n - i);
  return lanes_sum((a + b) + (c + d));
}

template <class T>
[[nodiscard]] inline float maximum(const T* x, std::int64_t n) {
  Float8 a = splat(-kInfinity), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    a = greater(load(x + i), a);
    b = greater(load(x + i + 8), b);
    c = greater(load(x + i + 16), c);
    d = greater(load(x + i + 24), d);
  }
  for (; i < n; i += 8) a = greater(load(x + i, std::min<std::int64_t>(8, n - i), -kInfinity), a);
  return lanes_max(greater(greater(a, b), greater(c, d)));
}

[[nodiscard]] inline Float8 exp8(Float8 x) {
  const Float8 low = splat(-87.3F), high = splat(88.3F), zero = {}, infinite = splat(kInfinity);
  const Float8 magic = splat(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Float8 clamped = x < low ? low : (x > high ? high : x);
  const Float8 shifted = clamped * 1.44269504F + magic;
  const Float8 n = shifted - magic;
  const Float8 r =
      (clamped - n * 0.693359375F) + n * 2.12194440e-4F;  // ln 2 in two parts, the first one short
  Float8 q = splat(1.39262504e-3F);
  q = q * r + 8.36323295e-3F;
  q = q * r + 4.16665524e-2F;
  q = q * r + 0.166665763F;
  q = q * r + 0.5F;
  const Float8 p = (r * r) * q + r + 1.0F;
  const Bits8 exponent = (std::bit_cast<Bits8>(shifted) - std::bit_cast<Bits8>(magic) + 127U) << 23U;
  const Float8 y = p * std::bit_cast<Float8>(exponent);
  return x < low ? zero : (x > high ? infinite : y);
}

/// 1 / (1 + exp(-x)).
[[nodiscard]] inline Float8 logistic8(Float8 x) { return 1.0F / (1.0F + exp8(-x)); }

}  // namespace isorbit::ops
