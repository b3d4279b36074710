#include "experiments/run_facts.hpp"

#include <algorithm>

namespace isorbit::experiments {

namespace {

/// The first time of an event from `first` on; nothing: never in `steps` updates.
std::optional<std::int64_t> time_of(const EventWord& event, std::int64_t first, std::int64_t last) {
  std::optional<std::int64_t> time;
  if (event.every > 0 && event.every <= last) time = std::max<std::int64_t>(event.every, first);
  for (const std::int64_t at : event.at)
    if (at >= first && at <= last) time = std::min(time.value_or(at), at);
  return time;
}

}  // namespace

RunFacts facts_of(const Method& method, std::optional<std::size_t> group, std::int64_t steps) {
  RunFacts run{steps};
  const auto earlier = [](std::optional<std::int64_t>& kept, std::optional<std::int64_t> time) {
    if (time) kept = std::min(kept.value_or(*time), *time);
  };
  const auto add = [&](const std::vector<EventWord>& events) {
    for (const EventWord& event : events) {
      const auto is = [&](const auto& hook) { return hook && hook(event.fields); };
      if (is(event.word->zeroes_moments)) earlier(run.zeroed, time_of(event, 1, steps - 1));
      if (is(event.word->merges)) earlier(run.merged, time_of(event, 0, steps - 1));
    }
  };
  add(method.events);
  for (std::size_t g = 0; g < method.groups.size(); ++g)
    if (!group || *group == g) add(method.groups[g].events);
  return run;
}

bool never_rewarms(const Clip& clip, const RunFacts& run) {
  return clip.rewarm && (!run.merged || *run.merged >= clip.rewarm->until);
}

}  // namespace isorbit::experiments
