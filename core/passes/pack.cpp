// Packs buffers into one arena: largest first, each at the lowest offset free over its whole lifetime.
#include <algorithm>
#include <numeric>

#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {
constexpr std::size_t kAlignment = 64;
std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
bool together(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }
}  // namespace

Arena pack(std::span<const Lifetime> lifetimes) {
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  Arena arena;
  arena.offsets.resize(lifetimes.size());
  std::vector<std::size_t> placed;  // sorted by offset
  for (const std::size_t buffer : order) {
    const std::size_t bytes = aligned(lifetimes[buffer].bytes);
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      if (!together(lifetimes[buffer], lifetimes[other])) continue;
      if (offset + bytes <= arena.offsets[other]) break;
      offset = std::max(offset, arena.offsets[other] + aligned(lifetimes[other].bytes));
    }
    arena.offsets[buffer] = offset;
    arena.bytes = std::max(arena.bytes, offset + bytes);
    const auto at = std::lower_bound(placed.begin(), placed.end(), offset,
                                     [&](std::size_t p, std::size_t o) { return arena.offsets[p] < o; });
    placed.insert(at, buffer);
  }
  return arena;
}

std::size_t lower_bound(std::span<const Lifetime> lifetimes) {
  std::vector<std::pair<std::int64_t, std::int64_t>> changes;  // step, signed bytes
  for (const Lifetime& l : lifetimes) {
    const auto bytes = static_cast<std::int64_t>(aligned(l.bytes));
    changes.emplace_back(l.first, bytes);
    changes.emplace_back(l.last + 1, -bytes);
  }
  std::sort(changes.begin(), changes.end());
  std::int64_t alive = 0, most = 0;
  for (const auto& [step, bytes] : changes) most = std::max(most, alive += bytes);
  return static_cast<std::size_t>(most);
}

}  // namespace isorbit::core
