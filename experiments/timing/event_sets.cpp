#include "experiments/timing/event_sets.hpp"

#include <algorithm>

#include "experiments/training/learner_scope.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::int64_t kMostSteps = 1000000;

}  // namespace

std::vector<const EventWord*> events_of(const Method& method) {
  std::vector<const EventWord*> events;
  for (const Group& group : method.groups)
    for (const EventWord& word : group.events) events.push_back(&word);
  for (const EventWord& word : method.events) events.push_back(&word);
  return events;
}

std::vector<EventSet> event_sets(std::span<const EventWord* const> events, std::int64_t from,
                                 std::int64_t to) {
  std::vector<EventSet> sets;
  if (events.empty()) return sets;
  const std::int64_t last = std::min(to, from + kMostSteps);
  for (std::int64_t step = from; step <= last; ++step) {
    std::string due;
    for (const EventWord* event : events) due += event->due(step) ? '1' : '0';
    if (due.find('1') == std::string::npos) continue;
    auto set = std::ranges::find(sets, due, &EventSet::due);
    if (set == sets.end()) set = sets.insert(sets.end(), {due, step, 0});
    ++set->times;
  }
  if (to > last)
    for (EventSet& set : sets)
      if (set.times > 1) set.times = set.times * (to - from) / kMostSteps;
  return sets;
}

void run_events_at(Rehearsal& rehearsal, std::int64_t step) {
  Learner& learner = rehearsal.learner();
  run_events(
      learner, step, [&] { rehearsal.fill(learner.probe_inputs(), 0); }, [](const EventRow&) {});
}

}  // namespace isorbit::experiments
