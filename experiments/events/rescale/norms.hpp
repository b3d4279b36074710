// The sizes of the two sides of a family of weights that are scaled against each other. The first side is
// what takes the factor, the second what takes its inverse; biases do not count.
//   l1  sum |w|,   frobenius  sqrt(sum w^2),   rms  sqrt(mean w^2),   max  max |w|
// over all entries of a side, in double and in storage order.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "experiments/event.hpp"
#include "experiments/events/rescale/granularity.hpp"

namespace isorbit::experiments {

[[nodiscard]] const std::vector<std::string>& norm_names();

struct SideNorms {
  std::array<double, 2> whole = {};          // of everything the factors fall on
  std::vector<std::array<double, 2>> block;  // of what each factor falls on
};
[[nodiscard]] SideNorms side_norms(const core::ScalingFamily& family, const FactorBlocks& blocks,
                                   const std::string& norm, EventScope& scope);

}  // namespace isorbit::experiments
