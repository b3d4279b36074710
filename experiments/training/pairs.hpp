// The scaling pairs of a model, layer by layer.
#pragma once
#include <string>
#include <vector>

#include "core/passes/passes.hpp"
#include "experiments/event.hpp"

namespace isorbit::experiments {

/// One entry for every match of the pair's two globs, in order. The first's bias takes the first's factor;
/// the second's takes the second's unless the second layer reads what the first one makes (v then o), where
/// it follows the product. Throws std::invalid_argument when the globs match unequally often or a weight is
/// shared with another node.
[[nodiscard]] std::vector<EventScope::Pair> resolve_pair(const core::Graph& graph,
                                                         const core::ScalingPair& pair);

}  // namespace isorbit::experiments
