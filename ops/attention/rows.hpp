// Copies between the rows of a head in [batch, positions, heads * columns] and dense matrices in scratch,
// between f32 and bf16.
#pragma once
#include <cstring>

#include "core/graph/types.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops::flash {

/// Calls body with a pointer of the stored type.
template <class Body>
inline void with_type(core::DType dtype, const void* p, const Body& body) {
  dtype == core::DType::bf16 ? body(static_cast<const core::Bf16*>(p)) : body(static_cast<const float*>(p));
}
template <class Body>
inline void with_type(core::DType dtype, void* p, const Body& body) {
  dtype == core::DType::bf16 ? body(static_cast<core::Bf16*>(p)) : body(static_cast<float*>(p));
}

/// A tensor [batch, positions, heads * columns] of which one head is read or written at a time.
template <class Void>
struct Heads {
  Void* data = nullptr;
  core::DType dtype = core::DType::f32;
  std::int64_t positions = 1, heads = 1, columns = 1;

  [[nodiscard]] std::int64_t stride() const { return heads * columns; }
  /// Address of a head at a position of a sequence.
  [[nodiscard]] Void* at(std::int64_t sequence, std::int64_t position, std::int64_t head) const {
    using Byte = std::conditional_t<std::is_const_v<Void>, const std::byte, std::byte>;
    const std::int64_t element = ((sequence * positions + position) * heads + head) * columns;
    return static_cast<Byte*>(data) + static_cast<std::size_t>(element) * core::size_of(dtype);
  }
};

/// Asks for the row of n elements at `p` to be brought near: short rows far apart escape the processor's own
/// foresight.
template <class T>
inline void prefetch(const T* p, std::int64_t n) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t i = 0; i < n; i += kLine) _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T0);
}
inline constexpr std::int64_t kRowsAhead = 16;

template <class From, class To>
inline void copy_row(const From* from, std::int64_t n, To* to) {
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(static_cast<void*>(to), from, static_cast<std::size_t>(n) * sizeof(To));
  } else {
    each8(n, [=](std::int64_t i, auto count) { store(to + i, load(from + i, count), count); });
  }
}

/// `rows` rows from `from` on, dense at `to`; rows up to `padded` are zero.
inline void gather(const Heads<const void>& x, const void* from, std::int64_t rows, std::int64_t padded,
                   void* to, core::DType to_type) {
  const std::int64_t n = x.columns, stride = x.stride();
  with_type(x.dtype, from, [&](const auto* source) {
    with_type(to_type, to, [&](auto* target) {
      for (std::int64_t r = 0; r < rows; ++r) {
        if (r + kRowsAhead < rows) prefetch(source + (r + kRowsAhead) * stride, n);
        copy_row(source + r * stride, n, target + r * n);
      }
      std::memset(static_cast<void*>(target + rows * n), 0,
                  static_cast<std::size_t>((padded - rows) * n) * sizeof *target);
    });
  });
}

/// Row r of the dense `from` times factor(r) to row r from `to` on.
template <class Factor>
inline void scatter(const float* from, std::int64_t rows, const Factor& factor, const Heads<void>& y,
                    void* to) {
  const std::int64_t n = y.columns, stride = y.stride();
  with_type(y.dtype, to, [&](auto* target) {
    for (std::int64_t r = 0; r < rows; ++r) {
      each8(n, [=, scale = static_cast<float>(factor(r)), a = from + r * n, b = target + r * stride](
                   std::int64_t i, auto count) { store(b + i, load(a + i, count) * scale, count); });
    }
  });
}

}  // namespace isorbit::ops::flash
