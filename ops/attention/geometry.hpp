// Sizes of attention: q [B, S, H D], k [B, T, K D], v [B, T, K E], o [B, S, H E], lse [B, H, S], and how its
// queries are cut into blocks. Query heads h K-groupwise share key head h / (H / K).
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/graph/op.hpp"

namespace isorbit::ops::flash {

/// A block of queries.
struct Place {
  std::int64_t sequence = 0, head = 0, block = 0;
};

struct Geometry {
  std::int64_t batch = 1, queries = 1, keys = 1;  // B, S, T
  std::int64_t heads = 1, key_heads = 1;          // H, K
  std::int64_t d = 1, e = 1;                      // features of a head: of q and k, of v and o
  bool causal = false;
  double scale = 1;

  [[nodiscard]] std::int64_t group() const { return heads / key_heads; }

  /// Queries of a block, a multiple of 16. The scores of a block, in f32, stay within the second cache.
  [[nodiscard]] std::int64_t block() const {
    const std::int64_t most = keys <= 1024 ? 64 : keys <= 4096 ? 32 : 16;
    return std::min(most, (queries + 15) / 16 * 16);
  }
  [[nodiscard]] std::int64_t blocks() const { return (queries + block() - 1) / block(); }
  /// Queries that block i has; the last one may be short.
  [[nodiscard]] std::int64_t rows(std::int64_t i) const { return std::min(block(), queries - i * block()); }
  /// Keys that block i is compared with.
  [[nodiscard]] std::int64_t seen(std::int64_t i) const {
    return causal ? std::min(keys, (i + 1) * block()) : keys;
  }
  /// Blocks are numbered by sequence, head and block.
  [[nodiscard]] std::int64_t all_blocks() const { return batch * heads * blocks(); }
  [[nodiscard]] Place place(std::int64_t number) const {
    return {number / (blocks() * heads), number / blocks() % heads, number % blocks()};
  }
  /// Kinds of blocks: those of one kind see equally many keys.
  [[nodiscard]] std::int64_t kinds() const { return causal ? blocks() : 1; }
  [[nodiscard]] std::int64_t kind(std::int64_t i) const { return causal ? i : 0; }
  /// Blocks of a kind, in all heads.
  [[nodiscard]] std::int64_t blocks_of_kind() const { return all_blocks() / kinds(); }
  /// Pairs of a query and a key it sees, in all heads.
  [[nodiscard]] double pairs() const {
    const auto s = static_cast<double>(queries), t = static_cast<double>(keys);
    return static_cast<double>(batch * heads) * (causal ? s * (s + 1) / 2 : s * t);
  }
};

/// Of shapes that fit.
[[nodiscard]] inline Geometry geometry(const core::Shape& q, const core::Shape& k, const core::Shape& v,
                                       const core::Attributes& attributes) {
  Geometry g;
  g.batch = q[0], g.queries = q[1], g.keys = k[1];
  g.heads = attributes.integer("heads");
  const std::int64_t key_heads = attributes.integer("kv_heads");
  g.key_heads = key_heads == 0 ? g.heads : key_heads;
  g.d = q[2] / g.heads, g.e = v[2] / g.key_heads;
  g.causal = attributes.flag("causal");
  const double scale = attributes.number("scale");
  g.scale = scale == 0 ? 1 / std::sqrt(static_cast<double>(g.d)) : scale;
  return g;
}

/// Hides key j from query j - first and earlier ones of the block, for keys from the block's `first` on: in
/// scores s [keys, block] that are multiplied by c next.
inline void hide_future(float* s, std::int64_t first, std::int64_t keys, std::int64_t block, float c) {
  constexpr float kHidden = std::numeric_limits<float>::infinity();
  for (std::int64_t j = first + 1; j < keys; ++j)
    std::fill(s + j * block, s + j * block + std::min(j - first, block), c < 0 ? kHidden : -kHidden);
}

}  // namespace isorbit::ops::flash
