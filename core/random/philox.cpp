#include "core/random/philox.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace isorbit::core {
namespace {

constexpr std::uint32_t multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
constexpr std::uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;

// A bijection of 64-bit words that spreads every bit (the finalizer of SplitMix64).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

double to_unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// Two independent standard normals; the radius uses 1 - u, which is never 0.
std::pair<double, double> box_muller(const std::array<std::uint64_t, 2>& bits) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - to_unit(bits[0])));
  const double angle = 2.0 * std::numbers::pi * to_unit(bits[1]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

__extension__ using Wide = unsigned __int128;

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{multiplier_0} * c[0];
    const std::uint64_t p1 = std::uint64_t{multiplier_1} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k = {k[0] + weyl_0, k[1] + weyl_1};
  }
  return c;
}

std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

Philox::Philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t step) : step_(step) {
  const std::uint64_t key = mix(stream ^ mix(seed));
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

std::array<std::uint64_t, 2> Philox::block(std::uint64_t index) const {
  const auto word = philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                                static_cast<std::uint32_t>(step_), static_cast<std::uint32_t>(step_ >> 32)},
                               key_);
  return {word[0] | std::uint64_t{word[1]} << 32, word[2] | std::uint64_t{word[3]} << 32};
}

std::uint64_t Philox::bits(std::uint64_t i) const { return block(i / 2)[i % 2]; }

double Philox::uniform(std::uint64_t i) const { return to_unit(bits(i)); }

double Philox::normal(std::uint64_t i) const {
  const auto [even, odd] = box_muller(block(i / 2));
  return i % 2 == 0 ? even : odd;
}

// Lemire's multiply-shift with rejection ("Fast random integer generation in an interval", 2019). A rejected
// draw, less likely than bound / 2^64, is repeated at an index no caller uses.
std::uint64_t Philox::below(std::uint64_t i, std::uint64_t bound) const {
  if (bound == 0) throw std::invalid_argument("Philox::below: found bound 0; expected a positive bound");
  const std::uint64_t threshold = (0 - bound) % bound;
  for (std::uint64_t attempt = 0;; ++attempt) {
    const Wide product = Wide{bits(i ^ (attempt << 48))} * bound;
    if (static_cast<std::uint64_t>(product) >= threshold) return static_cast<std::uint64_t>(product >> 64);
  }
}

void Philox::fill_normal(std::span<float> out, double standard_deviation, std::uint64_t first) const {
  std::size_t j = 0;
  if (first % 2 == 1 && !out.empty()) out[j++] = static_cast<float>(standard_deviation * normal(first));
  for (; j + 1 < out.size(); j += 2) {
    const auto [even, odd] = box_muller(block((first + j) / 2));
    out[j] = static_cast<float>(standard_deviation * even);
    out[j + 1] = static_cast<float>(standard_deviation * odd);
  }
  if (j < out.size()) out[j] = static_cast<float>(standard_deviation * normal(first + j));
}

void Philox::fill_uniform(std::span<float> out, double low, double high, std::uint64_t first) const {
  for (std::size_t j = 0; j < out.size(); ++j)
    out[j] = static_cast<float>(low + (high - low) * uniform(first + j));
}

std::vector<std::int32_t> Philox::permutation(std::size_t n) const {
  if (n > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw std::invalid_argument("Philox::permutation: found n = " + std::to_string(n) +
                                "; expected at most 2147483647");
  std::vector<std::int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(i, i)]);
  return order;
}

}  // namespace isorbit::core
