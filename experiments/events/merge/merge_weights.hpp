// What the event "merge" does, and events that need the start of an interval before their own work.
#pragma once
#include "experiments/event.hpp"

namespace isorbit::experiments {

/// Merges the weights, logs a row "merge" for each, and zeroes the moments of their coordinates if asked.
void merge_weights(EventScope& scope, std::span<const std::string> weights, bool reset_moments);

}  // namespace isorbit::experiments
