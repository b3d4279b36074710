#include "experiments/events/rescale/norms.hpp"

#include <algorithm>
#include <cmath>

namespace isorbit::experiments {

namespace {

struct Entries {
  double sum = 0, squares = 0, most = 0, count = 0;

  void add(float x) {
    const double size = std::abs(static_cast<double>(x));
    sum += size;
    squares += size * size;
    most = size <= most ? most : size;  // keeps NaN
    count += 1;
  }
  void add(const Entries& other) {
    sum += other.sum, squares += other.squares, count += other.count;
    most = other.most <= most ? most : other.most;
  }
  [[nodiscard]] double norm(const std::string& name) const {
    if (name == "l1") return sum;
    if (name == "max") return most;
    return std::sqrt(name == "rms" ? squares / count : squares);
  }
};

using Side = std::vector<Entries>;  // by block

void add_member(const core::ScaledWeight& member, const FactorBlocks& blocks, std::span<const float> values,
                Side& side) {
  const std::size_t lines = member.generators.size(), others = values.size() / lines;
  std::vector<Entries*> of_line;
  for (const std::int32_t g : member.generators)
    of_line.push_back(
        g < 0 ? nullptr : &side[static_cast<std::size_t>(blocks.of_generator[static_cast<std::size_t>(g)])]);
  for (std::size_t at = 0; at < values.size(); ++at) {
    Entries* const entries = of_line[member.axis == 0 ? at / others : at % lines];
    if (entries != nullptr) entries->add(values[at]);
  }
}

}  // namespace

const std::vector<std::string>& norm_names() {
  static const std::vector<std::string> names = {"l1", "frobenius", "rms", "max"};
  return names;
}

SideNorms side_norms(const core::ScalingFamily& family, const FactorBlocks& blocks, const std::string& norm,
                     EventScope& scope) {
  std::array<Side, 2> sides;
  for (Side& side : sides) side.resize(static_cast<std::size_t>(blocks.count));
  for (const core::ScaledWeight& member : family.members)
    if (!member.is_offset)
      add_member(member, blocks, scope.weight(member.parameter), sides[member.power > 0 ? 0 : 1]);
  SideNorms norms;
  norms.block.resize(static_cast<std::size_t>(blocks.count));
  for (std::size_t s = 0; s < 2; ++s) {
    Entries whole;
    for (std::size_t b = 0; b < norms.block.size(); ++b) {
      norms.block[b][s] = sides[s][b].norm(norm);
      whole.add(sides[s][b]);
    }
    norms.whole[s] = whole.norm(norm);
  }
  return norms;
}

}  // namespace isorbit::experiments
