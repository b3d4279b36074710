#include "experiments/events/rescale/granularity.hpp"

#include <numeric>

namespace isorbit::experiments {

const std::vector<std::string>& granularities() {
  static const std::vector<std::string> names = {"tensor", "kv_group", "channel"};
  return names;
}

FactorBlocks factor_blocks(const core::ScalingFamily& family, const std::string& granularity) {
  if (granularity == "kv_group") return {family.groups, family.group_count};
  FactorBlocks blocks{std::vector<std::int32_t>(static_cast<std::size_t>(family.generators)), 1};
  if (granularity == "channel") {
    std::iota(blocks.of_generator.begin(), blocks.of_generator.end(), 0);
    blocks.count = family.generators;
  }
  return blocks;
}

}  // namespace isorbit::experiments
