// 64-bit checksums of tensors in memory, at the speed of memory: XXH3 (the xxHash specification), which finds
// changes and does not withstand forgers.
//
// A tensor is cut into blocks of kBlock bytes; its digest is the checksum of the checksums of its blocks,
// 8 little-endian bytes each. The tree is fixed, so that the number of threads changes no digest.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/runtime/engine.hpp"

namespace isorbit::core {

/// XXH3 of the bytes, 64 bits, no seed.
[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes);

class TensorDigests {
 public:
  static constexpr std::size_t kBlock = 1 << 16;  // bytes

  /// Of these tensors' bytes, on the threads of `engine`. All of it outlives the object and stays in place.
  TensorDigests(std::span<const std::span<const std::byte>> tensors, Engine& engine);

  /// Of the tensors as they are now, in their order; valid until the next call.
  [[nodiscard]] std::span<const std::uint64_t> compute();

 private:
  Engine& engine_;
  std::vector<std::span<const std::byte>> blocks_;
  std::vector<std::size_t> ends_;  // of each tensor's blocks
  std::vector<std::uint64_t> sums_, digests_;
};

}  // namespace isorbit::core
