// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011).
//
// A number is a pure function of (seed, stream, step, index): no state, no call order, the same on every
// thread. Key (64 bits) = mix(stream xor mix(seed)), one-to-one in the stream for a fixed seed; counter (128
// bits) = (block index, step). One block gives 128 bits: two 64-bit words, two uniforms or one Box-Muller
// pair.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace isorbit::core {

/// The bare ten-round bijection, as in the paper's known-answer vectors.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                      std::array<std::uint32_t, 2> key);

/// A fixed 64-bit hash (FNV-1a) of a name, to be used as a stream: the same on every machine and in every
/// version.
[[nodiscard]] std::uint64_t stream_of(std::string_view name);

/// The numbers of one (seed, stream, step). `bits`, `uniform` and `normal` at one index come from the same
/// bits: draw different kinds of numbers from different streams.
class Philox {
 public:
  Philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t step = 0);

  /// 64 random bits.
  [[nodiscard]] std::uint64_t bits(std::uint64_t i) const;
  /// A multiple of 2^-53 in [0, 1).
  [[nodiscard]] double uniform(std::uint64_t i) const;
  /// Standard normal.
  [[nodiscard]] double normal(std::uint64_t i) const;
  /// Unbiased integer in [0, bound), for i < 2^48. Throws std::invalid_argument when bound is 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t i, std::uint64_t bound) const;

  /// out[j] = standard_deviation * normal(first + j), rounded to float.
  void fill_normal(std::span<float> out, double standard_deviation, std::uint64_t first = 0) const;
  /// out[j] = low + (high - low) * uniform(first + j), rounded to float.
  void fill_uniform(std::span<float> out, double low, double high, std::uint64_t first = 0) const;

  /// A permutation of 0 .. n-1, each equally likely (Fisher-Yates). Throws std::invalid_argument when n >
  /// 2^31 - 1.
  [[nodiscard]] std::vector<std::int32_t> permutation(std::size_t n) const;

 private:
  [[nodiscard]] std::array<std::uint64_t, 2> block(std::uint64_t index) const;

  std::array<std::uint32_t, 2> key_;
  std::uint64_t step_;
};

}  // namespace isorbit::core
