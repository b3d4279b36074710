// A weight in bytes (POET-X's 8-bit base, arXiv 2603.05500): groups of 256 elements, row by row,
//   w ~ scale (code - zero),  code and zero in 0 .. 255,
// with scale the range of the group, 0 included, over 255 and zero its place on that grid, so that no element
// inside the range is off by more than half a scale, and one at its end by less than one. Scales are rounded
// up to 16 bits: scale (code - zero) is exact in single precision.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "experiments/parametrizations/poet/poet.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

constexpr std::size_t kLength = kGroup;
constexpr double kLevels = 255;

/// The least number of 16 significant bits that is no less than x.
double round_up(double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return std::ldexp(std::ceil(std::ldexp(mantissa, 16)), exponent - 16);
}

/// One group of codes, its values and its grid.
struct Group {
  std::uint8_t* codes;
  std::size_t count;
  float& scale;
  std::int32_t& zero;

  [[nodiscard]] float value(std::size_t i) const { return scale * static_cast<float>(codes[i] - zero); }

  void quantize(const float* w) {
    if (!std::all_of(w, w + count, [](float x) { return std::isfinite(x); })) {
      scale = std::nanf("");  // all of the group is lost
      return;
    }
    const auto [low, high] = std::minmax_element(w, w + count);
    const double least = std::min(0.0, static_cast<double>(*low)),
                 most = std::max(0.0, static_cast<double>(*high));
    scale = static_cast<float>(round_up((most - least) / kLevels));
    const double step = scale > 0 ? static_cast<double>(scale) : 1.0;
    zero = static_cast<std::int32_t>(std::clamp(std::round(-least / step), 0.0, kLevels));
    for (std::size_t i = 0; i < count; ++i)
      codes[i] = static_cast<std::uint8_t>(
          std::clamp(std::round(static_cast<double>(w[i]) / step) + zero, 0.0, kLevels));
  }
};

template <class F>
void over_groups(const core::Tensor& codes, const core::Tensor& scale, const core::Tensor& zero,
                 std::size_t elements, const F& f) {
  auto* const bytes = reinterpret_cast<std::uint8_t*>(codes.bytes().data());
  for (std::size_t first = 0, g = 0; first < elements; first += kLength, ++g) {
    Group group{bytes + first, std::min(kLength, elements - first), scale.values()[g], zero.indices()[g]};
    f(group, first);
  }
}

}  // namespace

std::int64_t groups_of(const core::Shape& weight) { return (weight.elements() + kGroup - 1) / kGroup; }

void quantize(std::span<const float> weight, core::Tensor& codes, core::Tensor& scale, core::Tensor& zero) {
  over_groups(codes, scale, zero, weight.size(), [&](Group& group, std::size_t first) {
    const float* const w = weight.data() + first;
    bool same = true;
    for (std::size_t i = 0; i < group.count && same; ++i) same = group.value(i) == w[i];
    if (!same) group.quantize(w);
  });
}

void dequantize(const core::Tensor& codes, const core::Tensor& scale, const core::Tensor& zero,
                std::span<float> weight) {
  over_groups(codes, scale, zero, weight.size(), [&](const Group& group, std::size_t first) {
    for (std::size_t i = 0; i < group.count; ++i) weight[first + i] = group.value(i);
  });
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
