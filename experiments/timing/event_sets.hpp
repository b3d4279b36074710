// Events that fall due together are timed together: a merge makes a rescale cheaper, or dearer.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "experiments/method.hpp"
#include "experiments/timing/rehearsal.hpp"

namespace isorbit::experiments {

/// Every event of a method in the order they run: those of its groups, then its own.
[[nodiscard]] std::vector<const EventWord*> events_of(const Method& method);

struct EventSet {
  std::string due;         // a digit an event: "101" where the first and the third are due
  std::int64_t first = 0;  // step
  std::int64_t times = 0;
};
/// What falls due together after which of the steps `from` to `to`, both included, and how often; steps
/// without events are left out. Past a million steps, cadences are taken to go on as before.
[[nodiscard]] std::vector<EventSet> event_sets(std::span<const EventWord* const> events, std::int64_t from,
                                               std::int64_t to);

/// Runs what is due after `step`, on a random probe batch; what it logs is dropped.
void run_events_at(Rehearsal& rehearsal, std::int64_t step);

}  // namespace isorbit::experiments
