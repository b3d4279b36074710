#include "core/runtime/tensor_digests.hpp"

#include <gtest/gtest.h>

namespace isorbit::core {
namespace {

std::vector<std::span<const std::byte>> as_spans(const std::vector<std::vector<std::byte>>& tensors) {
  return {tensors.begin(), tensors.end()};
}

/// Tensors of less than a block, of several, and of nothing.
std::vector<std::vector<std::byte>> some_tensors() {
  std::vector<std::vector<std::byte>> tensors;
  std::uint32_t state = 1;
  for (const std::size_t bytes :
       {std::size_t{12}, TensorDigests::kBlock, 20 * TensorDigests::kBlock + 4, std::size_t{0}}) {
    std::vector<std::byte>& tensor = tensors.emplace_back(bytes);
    for (std::byte& b : tensor) b = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24);
  }
  return tensors;
}

std::vector<std::uint64_t> digests(const std::vector<std::vector<std::byte>>& tensors, int threads) {
  Engine engine(threads);
  TensorDigests of(as_spans(tensors), engine);
  const std::span<const std::uint64_t> found = of.compute();
  return {found.begin(), found.end()};
}

TEST(TensorDigests, AChecksumIsThatOfItsSpecification) { EXPECT_EQ(checksum({}), 0x2D06800538D394C2u); }

TEST(TensorDigests, ThreadsChangeNoDigest) {
  const auto tensors = some_tensors();
  const std::vector<std::uint64_t> one = digests(tensors, 1);
  ASSERT_EQ(one.size(), 4u);
  EXPECT_EQ(digests(tensors, 2), one);
  EXPECT_EQ(digests(tensors, 5), one);
}

TEST(TensorDigests, EveryBitCountsForItsTensorAlone) {
  auto tensors = some_tensors();
  const std::vector<std::uint64_t> before = digests(tensors, 2);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const std::size_t bytes = tensors[t].size();
    for (const std::size_t at : {std::size_t{0}, bytes / 2, bytes - 1}) {
      if (bytes == 0) continue;
      tensors[t][at] ^= std::byte{1};
      const std::vector<std::uint64_t> after = digests(tensors, 2);
      tensors[t][at] ^= std::byte{1};
      for (std::size_t other = 0; other < tensors.size(); ++other)
        EXPECT_EQ(after[other] == before[other], other != t) << "tensor " << t << ", byte " << at;
    }
  }
}

TEST(TensorDigests, SeeTensorsAsTheyAreNow) {
  auto tensors = some_tensors();
  Engine engine(1);
  TensorDigests of(as_spans(tensors), engine);
  const std::uint64_t before = of.compute()[0];
  tensors[0][3] ^= std::byte{128};
  EXPECT_NE(of.compute()[0], before);
  tensors[0][3] ^= std::byte{128};
  EXPECT_EQ(of.compute()[0], before);
}

}  // namespace
}  // namespace isorbit::core
