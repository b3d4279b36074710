// What the normalisations share: rows in chunks of a fixed size, and weight gradients summed chunk by chunk.
//
// The weight's gradient is a sum over rows. Every chunk of rows adds into a partial sum of its own, and the
// partial sums are added in the order of the chunks; the chunk's size depends on the shape alone, so threads
// change nothing.
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/runtime/lowered.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

struct RowChunks {
  std::int64_t rows = 0, columns = 0;

  [[nodiscard]] std::int64_t size() const { return std::max<std::int64_t>(16, kGrain / columns); }
  [[nodiscard]] std::int64_t count() const { return (rows + size() - 1) / size(); }
  /// Room for one row of partial sums per chunk.
  [[nodiscard]] std::size_t partial_bytes() const {
    return static_cast<std::size_t>(count() * columns) * sizeof(float);
  }

  /// Calls body(chunk, first row, last row + 1).
  template <class Body>
  void each(core::Engine& engine, const Body& body) const {
    engine.parallel(count(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) body(c, c * size(), std::min(rows, (c + 1) * size()));
    });
  }

  /// out[column] = sum over chunks of partial[chunk, column].
  void add_up(core::Engine& engine, const float* partial, float* out) const {
    const std::int64_t chunks = count(), n = columns, groups = (n + 7) / 8;
    engine.parallel(groups, row_grain(8 * chunks), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t g = begin; g < end; ++g) {
        const std::int64_t column = 8 * g, count = std::min<std::int64_t>(8, n - column);
        Float8 sum = {};
        for (std::int64_t c = 0; c < chunks; ++c) sum += load(partial + c * n + column, count);
        store(out + column, sum, count);
      }
    });
  }
};

}  // namespace isorbit::ops
