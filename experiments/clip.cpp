#include "experiments/clip.hpp"

#include <algorithm>

namespace isorbit::experiments {

double Clip::limit(std::int64_t step, std::optional<std::int64_t> since_merge) const {
  if (!rewarm || !since_merge || step >= rewarm->until) return norm;
  const double grown = std::min(1.0, static_cast<double>(*since_merge) / static_cast<double>(rewarm->over));
  return norm * (rewarm->from + (1.0 - rewarm->from) * grown);
}

core::Spec clip_spec() {
  using core::Spec;
  const Spec norm = Spec::number().above(0), steps = Spec::integer().at_least(1).at_most(1e9);
  const Spec rewarm = Spec::object(
      {{"from", Spec::number().above(0).at_most(1), "share of the norm right after a merge", core::Json(0.1)},
       {"over", steps, "updates from there to the whole norm", {}},
       {"until", steps, "finished updates of the run after which a merge changes nothing", {}}});
  return Spec::either({norm, Spec::object({{"norm", norm, "the limit", {}},
                                           {.name = "rewarm",
                                            .spec = rewarm,
                                            .help = "a lower limit after every merge, growing back",
                                            .optional = true}})});
}

Clip read_clip(const core::Json& resolved) {
  if (resolved.is_number()) return {resolved.get<double>()};
  Clip clip{resolved.at("norm").get<double>()};
  if (resolved.contains("rewarm")) {
    const core::Json& rewarm = resolved.at("rewarm");
    clip.rewarm = {rewarm.at("from").get<double>(), rewarm.at("over").get<std::int64_t>(),
                   rewarm.at("until").get<std::int64_t>()};
  }
  return clip;
}

}  // namespace isorbit::experiments
