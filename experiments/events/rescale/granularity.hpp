// What of a family of weights has a factor of its own: everything one (tensor), every key head with the
// query heads it serves (kv_group), or every class of channels that may have one (channel).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/passes/symmetries.hpp"

namespace isorbit::experiments {

[[nodiscard]] const std::vector<std::string>& granularities();

/// The factor each generator of a family takes: numbers in [0, count).
struct FactorBlocks {
  std::vector<std::int32_t> of_generator;
  std::int32_t count = 0;  // 0: the family has no such granularity
};
[[nodiscard]] FactorBlocks factor_blocks(const core::ScalingFamily& family, const std::string& granularity);

}  // namespace isorbit::experiments
