// Elements of rows in the order of an index: to[i] = from[index[i]]. Vectors are put together from scalar
// loads, because stores, not loads, are what limits element-wise copies.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/runtime/bf16.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

/// from[i0], ..., from[i3].
[[nodiscard]] inline __m128 take4(const float* from, std::int64_t i0, std::int64_t i1, std::int64_t i2,
                                  std::int64_t i3) {
  __m128 v = _mm_load_ss(from + i0);
  v = _mm_insert_ps(v, _mm_load_ss(from + i1), 0x10);
  v = _mm_insert_ps(v, _mm_load_ss(from + i2), 0x20);
  return _mm_insert_ps(v, _mm_load_ss(from + i3), 0x30);
}

inline void take(const float* from, const std::int32_t* index, std::int64_t n, float* to) {
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    _mm_storeu_ps(to + i, take4(from, index[i], index[i + 1], index[i + 2], index[i + 3]));
  for (; i < n; ++i) to[i] = from[index[i]];
}

inline void take(const core::Bf16* from, const std::int32_t* index, std::int64_t n, core::Bf16* to) {
  std::int64_t i = 0;
  for (; i + 2 <= n; i += 2) {
    const std::uint32_t both = from[index[i]].bits | static_cast<std::uint32_t>(from[index[i + 1]].bits)
                                                         << 16U;
    std::memcpy(&to[i].bits, &both, sizeof both);
  }
  if (i < n) to[i] = from[index[i]];
}

/// Rounded on the way.
inline void take(const float* from, const std::int32_t* index, std::int64_t n, core::Bf16* to) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const std::int32_t* at = index + i;
    store(to + i, Float8(_mm256_set_m128(take4(from, at[4], at[5], at[6], at[7]),
                                         take4(from, at[0], at[1], at[2], at[3]))));
  }
  for (; i < n; ++i) to[i] = core::round_to_bf16(from[index[i]]);
}

/// A column: to[t] = from[t stride] for t < n.
inline void take_column(const float* from, std::int64_t stride, std::int64_t n, float* to) {
  std::int64_t t = 0;
  for (; t + 4 <= n; t += 4, from += 4 * stride)
    _mm_storeu_ps(to + t, take4(from, 0, stride, 2 * stride, 3 * stride));
  for (; t < n; ++t, from += stride) to[t] = *from;
}

inline void take_column(const core::Bf16* from, std::int64_t stride, std::int64_t n, core::Bf16* to) {
  std::int64_t t = 0;
  for (; t + 8 <= n; t += 8, from += 8 * stride) {
    __m128i v = _mm_cvtsi32_si128(from[0].bits);
    v = _mm_insert_epi16(v, from[stride].bits, 1);
    v = _mm_insert_epi16(v, from[2 * stride].bits, 2);
    v = _mm_insert_epi16(v, from[3 * stride].bits, 3);
    v = _mm_insert_epi16(v, from[4 * stride].bits, 4);
    v = _mm_insert_epi16(v, from[5 * stride].bits, 5);
    v = _mm_insert_epi16(v, from[6 * stride].bits, 6);
    v = _mm_insert_epi16(v, from[7 * stride].bits, 7);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + t), v);
  }
  for (; t < n; ++t, from += stride) to[t] = *from;
}

/// Rows of n at a time that stay in the first cache while all their columns are taken.
constexpr std::int64_t kStrip = 8;

/// Asks for `rows` rows before they are taken in an order no prefetcher can guess.
template <class T>
void fetch(const T* from, std::int64_t n, std::int64_t rows) {
  const auto* line = reinterpret_cast<const char*>(from);
  const auto* const end = line + static_cast<std::size_t>(rows * n) * sizeof(T);
  for (; line < end; line += 64) _mm_prefetch(line, _MM_HINT_T0);
}

/// to[j][t][c] = from[t][index[j b + c]] for `blocks` blocks and `rows` rows of n.
template <class T>
void gather_blocks(const T* from, std::int64_t n, std::int64_t rows, std::int64_t blocks, std::int64_t b,
                   const std::int32_t* index, T* to) {
  for (std::int64_t t = 0; t < rows; ++t) {
    if (t + 2 < rows) fetch(from + (t + 2) * n, n, 1);
    for (std::int64_t j = 0; j < blocks; ++j) take(from + t * n, index + j * b, b, to + (j * rows + t) * b);
  }
}

/// to[c][t] = from[t][index[c]] for `columns` columns.
template <class T>
void gather_transposed(const T* from, std::int64_t n, std::int64_t rows, std::int64_t columns,
                       const std::int32_t* index, T* to) {
  for (std::int64_t t = 0; t < rows; t += kStrip) {
    if (t + kStrip < rows) fetch(from + (t + kStrip) * n, n, std::min(kStrip, rows - t - kStrip));
    for (std::int64_t c = 0; c < columns; ++c)
      take_column(from + t * n + index[c], n, std::min(kStrip, rows - t), to + c * rows + t);
  }
}

}  // namespace isorbit::ops
