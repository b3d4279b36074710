#include "core/random/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace isorbit::core {
namespace {

TEST(Philox, AgreesWithTheKnownAnswersOfRandom123) {
  using Counter = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EverySeedStreamStepAndIndexHasItsOwnNumbers) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    for (std::uint64_t stream = 0; stream < 4; ++stream)
      for (std::uint64_t step = 0; step < 4; ++step)
        for (std::uint64_t i = 0; i < 64; ++i) seen.insert(Philox(seed, stream, step).bits(i));
  EXPECT_EQ(seen.size(), 4u * 4 * 4 * 64);
}

TEST(Philox, FillingEqualsAskingOneByOneFromAnyStart) {
  const Philox random(7, stream_of("init"), 3);
  for (const std::uint64_t first : {0u, 1u, 5u})
    for (const std::size_t n : {0u, 1u, 2u, 9u}) {
      std::vector<float> normals(n), uniforms(n);
      random.fill_normal(normals, 0.02, first);
      random.fill_uniform(uniforms, -1, 3, first);
      for (std::size_t j = 0; j < n; ++j) {
        EXPECT_EQ(normals[j], static_cast<float>(0.02 * random.normal(first + j)));
        EXPECT_EQ(uniforms[j], static_cast<float>(-1 + 4 * random.uniform(first + j)));
      }
    }
}

TEST(Philox, NormalsHaveTheMomentsOfAStandardNormal) {
  const Philox random(1, 2);
  const int n = 200000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0, pairs = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal(i);
    m1 += x / n, m2 += x * x / n, m3 += x * x * x / n, m4 += x * x * x * x / n;
    if (i % 2 == 1) pairs += x * random.normal(i - 1) / (n / 2);
  }
  EXPECT_NEAR(m1, 0, 0.012);
  EXPECT_NEAR(m2, 1, 0.016);
  EXPECT_NEAR(m3, 0, 0.045);
  EXPECT_NEAR(m4, 3, 0.12);
  EXPECT_NEAR(pairs, 0, 0.016);
}

TEST(Philox, UniformsFillTheUnitIntervalEvenly) {
  const Philox random(3, 4);
  std::vector<int> bins(10);
  for (int i = 0; i < 100000; ++i) {
    const double u = random.uniform(i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++bins[static_cast<int>(u * 10)];
  }
  for (const int count : bins) EXPECT_NEAR(count, 10000, 500);
}

TEST(Philox, BoundedIntegersAreUnbiased) {
  const Philox random(5, 6);
  std::vector<int> small(7);
  for (int i = 0; i < 70000; ++i) ++small[random.below(i, 7)];
  for (const int count : small) EXPECT_NEAR(count, 10000, 500);
  // With bound 3/4 * 2^64 plain reduction would give every value below 2^62 twice as often.
  const std::uint64_t bound = std::uint64_t{3} << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) {
    const std::uint64_t x = random.below(i, bound);
    ASSERT_LT(x, bound);
    low += x < bound / 3;
  }
  EXPECT_NEAR(low, 10000, 400);
  EXPECT_THROW((void)random.below(0, 0), std::invalid_argument);
}

TEST(Philox, EveryPermutationIsEquallyLikely) {
  std::map<std::vector<std::int32_t>, int> counts;
  for (std::uint64_t step = 0; step < 24000; ++step) ++counts[Philox(8, 9, step).permutation(4)];
  EXPECT_EQ(counts.size(), 24u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 160);
  EXPECT_TRUE(Philox(0, 0).permutation(0).empty());
  EXPECT_EQ(Philox(0, 0).permutation(1), std::vector<std::int32_t>{0});
}

TEST(Philox, StreamsOfNamesNeverChange) {
  EXPECT_EQ(stream_of(""), 0xcbf29ce484222325u);
  EXPECT_EQ(stream_of("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(stream_of("foobar"), 0x85944171f73967e8u);
}

TEST(Philox, RecordedNumbersStayAsTheyAre) {
  const Philox random(42, stream_of("init"), 7);
  EXPECT_EQ(random.bits(0), 9901704380403917634u);
  EXPECT_EQ(random.bits(1), 12656731766637888766u);
  EXPECT_DOUBLE_EQ(random.normal(0), -0.48465485178015388);
}

}  // namespace
}  // namespace isorbit::core
