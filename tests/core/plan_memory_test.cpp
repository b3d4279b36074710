#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "core/random/philox.hpp"

namespace isorbit::core {
namespace {

std::vector<Lifetime> random_lifetimes(std::uint64_t seed, int count) {
  const Philox random(seed, 0);
  std::vector<Lifetime> lifetimes;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::int64_t>(random.uniform(3 * i) * 100);
    lifetimes.push_back({at, at + static_cast<std::int64_t>(random.uniform(3 * i + 1) * 20),
                         static_cast<std::size_t>(random.uniform(3 * i + 2) * 5000)});
  }
  return lifetimes;
}

TEST(PlanMemory, LiveBuffersNeverOverlap) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Lifetime> lifetimes = random_lifetimes(seed, 200);
    const Arena arena = pack(lifetimes);
    for (std::size_t a = 0; a < lifetimes.size(); ++a) {
      EXPECT_EQ(arena.offsets[a] % 64, 0u);
      EXPECT_LE(arena.offsets[a] + lifetimes[a].bytes, arena.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        const bool together =
            lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
        const bool apart = arena.offsets[a] + lifetimes[a].bytes <= arena.offsets[b] ||
                           arena.offsets[b] + lifetimes[b].bytes <= arena.offsets[a];
        EXPECT_TRUE(!together || apart || lifetimes[a].bytes == 0 || lifetimes[b].bytes == 0);
      }
    }
  }
}

TEST(PlanMemory, BuffersThatNeverMeetShareTheirPlace) {
  const std::vector<Lifetime> lifetimes{{0, 1, 640}, {2, 3, 640}, {4, 5, 128}};
  EXPECT_EQ(pack(lifetimes).bytes, 640u);
}

TEST(PlanMemory, NoArenaIsSmallerThanTheMostAliveAtOnce) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Lifetime> lifetimes = random_lifetimes(seed, 100);
    EXPECT_GE(pack(lifetimes).bytes, lower_bound(lifetimes));
    EXPECT_LE(static_cast<double>(pack(lifetimes).bytes), 1.5 * static_cast<double>(lower_bound(lifetimes)));
  }
}

}  // namespace
}  // namespace isorbit::core
