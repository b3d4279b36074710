// What cross entropy asks of its targets.
#pragma once
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace isorbit::ops {

/// Throws std::out_of_range naming the first row whose target is no class.
inline void check_targets(std::span<const std::int32_t> targets, std::int64_t classes) {
  for (std::size_t r = 0; r < targets.size(); ++r) {
    if (targets[r] >= 0 && targets[r] < classes) continue;
    throw std::out_of_range("cross_entropy: found target " + std::to_string(targets[r]) + " in row " +
                            std::to_string(r) + "; expected 0 to " + std::to_string(classes - 1));
  }
}

}  // namespace isorbit::ops
