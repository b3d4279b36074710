// What the words of a method may ask of the run that they are in.
#pragma once
#include <optional>
#include <string>

#include "experiments/method.hpp"

namespace isorbit::experiments {

/// For the words of a group: what its events and those beside the groups do to it; nothing: of all groups.
[[nodiscard]] RunFacts facts_of(const Method& method, std::optional<std::size_t> group, std::int64_t steps);

/// True where the limit is re-warmed after merges, of which none comes in time.
[[nodiscard]] bool never_rewarms(const Clip& clip, const RunFacts& run);

}  // namespace isorbit::experiments
