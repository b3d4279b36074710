// Which layer set each value of a cell: default < model < method < sweep < command line.
#pragma once
#include <span>
#include <vector>

#include "experiments/sweep/expand.hpp"
#include "experiments/sweep/overrides.hpp"

namespace isorbit::experiments {

[[nodiscard]] std::vector<Origin> origins_of(const SweepSources& sources, const Candidate& candidate,
                                             std::span<const Override> overrides);

}  // namespace isorbit::experiments
