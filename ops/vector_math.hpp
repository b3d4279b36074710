// Arithmetic on eight floats at a time, on the AVX2 of the build, for kernels that wait for memory: loads
// with a tail, and sums in a fixed order. Kernels that wait for arithmetic use ops/vectors.hpp, as wide as
// the processor.
//
// A sum depends on its length only, not on the address, the threads or the compiler's mind. Numbers are
// stored as float or bf16; arithmetic is in float.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/runtime/bf16.hpp"

namespace isorbit::ops {

using Float8 = float __attribute__((vector_size(32)));
/// The count of a whole group of eight, known to the compiler.
using Eight = std::integral_constant<std::int64_t, 8>;

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

/// Calls body(i, count) for i = 0, 8, ...: count is Eight, or for the tail the number left.
template <class Body>
inline void each8(std::int64_t n, const Body& body) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) body(i, Eight{});
  if (i < n) body(i, n - i);
}

[[nodiscard]] inline float lanes_sum(Float8 v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
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

}  // namespace isorbit::ops
