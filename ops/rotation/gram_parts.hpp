// How the stack of products of ops/block_gram.cpp is cut between threads.
#pragma once
#include <cstdint>
#include <vector>

#include "core/runtime/engine.hpp"

namespace isorbit::ops {

/// Rows row..row + height - 1 of blocks first..first + count - 1: whole blocks, or part of one.
struct Part {
  std::int64_t first, count, row, height;
};

/// Where the stack may be cut. A kernel for AVX-512 gives a row of a product the same digits whatever rows
/// are beside it; oneDNN's others do not: for them the cuts, if not who takes which part, are the same on any
/// number of threads.
enum class Cuts : std::uint8_t { anywhere, fixed };

[[nodiscard]] inline Cuts cuts_here() {
  return core::effective_isa().rfind("avx512", 0) == 0 ? Cuts::anywhere : Cuts::fixed;
}

/// Where thread i of `threads` begins, in units of half blocks.
[[nodiscard]] inline std::int64_t first_unit(std::int64_t blocks, Cuts cuts, std::int64_t i,
                                             std::int64_t threads) {
  const std::int64_t unit = 2 * blocks * i / threads;
  return cuts == Cuts::anywhere || unit == blocks ? unit : unit / 2 * 2;
}

/// The parts of units begin..end - 1 where every block is two units, its upper and its lower rows: blocks are
/// few, and threads should share the odd one. One of the fixed cuts is through the middle of an odd stack.
[[nodiscard]] inline std::vector<Part> parts_of(std::int64_t blocks, std::int64_t b, Cuts cuts,
                                                std::int64_t begin, std::int64_t end) {
  if (cuts == Cuts::fixed && blocks % 2 == 1 && begin < blocks && blocks < end) {
    std::vector<Part> parts = parts_of(blocks, b, cuts, begin, blocks);
    const std::vector<Part> second = parts_of(blocks, b, cuts, blocks, end);
    parts.insert(parts.end(), second.begin(), second.end());
    return parts;
  }
  const std::int64_t upper = b / 2;
  std::vector<Part> parts;
  if (begin % 2 == 1 && begin < end) parts.push_back({begin++ / 2, 1, upper, b - upper});
  if (end - begin >= 2) parts.push_back({begin / 2, (end - begin) / 2, 0, b});
  if ((end - begin) % 2 == 1) parts.push_back({end / 2, 1, 0, upper});
  std::erase_if(parts, [](const Part& part) { return part.height == 0; });
  return parts;
}

}  // namespace isorbit::ops
