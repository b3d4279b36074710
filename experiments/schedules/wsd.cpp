// Warm-up, stable, decay (Hu et al., arXiv 2404.06395). With t = finished updates, w = warmup, n = updates in
// all, d = round(decay * n):
//   value(t) = peak * min(warm(t), fall(t)),   warm(t) = (t + 1) / w for t < w, else 1
//   fall(t)  = 1 - (1 - floor) * (t + 1 - (n - d)) / d for t >= n - d, else 1
// so that the last update has floor * peak.
#include <cmath>

#include "experiments/schedules/warmup.hpp"

namespace isorbit::experiments::schedules {

namespace {

double fall(const core::Json& f, std::int64_t step, std::int64_t steps) {
  const auto length = std::llround(f.at("decay").get<double>() * static_cast<double>(steps));
  const std::int64_t begun = step + 1 - (steps - length);
  if (begun <= 0) return 1.0;
  const double share = std::min(static_cast<double>(begun) / static_cast<double>(length), 1.0);
  return 1.0 - (1.0 - f.at("floor").get<double>()) * share;
}

/// The decay begins before the warm-up ends.
std::optional<Misfit> unreached(const core::Json& f, const RunFacts& run) {
  if (auto misfit = unreached_peak(f, run); misfit || !run.is_known()) return misfit;
  const auto warmup = f.at("warmup").get<std::int64_t>();
  const auto decay = std::llround(f.at("decay").get<double>() * static_cast<double>(run.steps));
  if (warmup <= 1 || warmup <= run.steps - decay) return std::nullopt;
  return Misfit{
      "decay",
      "a decay over " + std::to_string(decay) + " updates after a warm-up of " + std::to_string(warmup),
      "at most " + std::to_string(run.steps) + " updates together",
      run.text() + ", and the decay begins before the peak is reached", ""};
}

}  // namespace

Schedule wsd() {
  std::vector<core::Field> fields = warmup_fields();
  fields.push_back({"decay", core::Spec::number().at_least(0).at_most(1),
                    "length of the decay, as a fraction of all updates", core::Json(0.2)});
  fields.push_back(floor_field(0.0));
  return {.name = "wsd",
          .doc = "warm-up, a stable phase at the peak, then a straight line down to the floor",
          .fields = std::move(fields),
          .at =
              [](const core::Json& f, std::int64_t step, std::int64_t steps) {
                return f.at("peak").get<double>() * std::min(warmed(f, step), fall(f, step, steps));
              },
          .largest = peak_of,
          .unreached = unreached};
}

}  // namespace isorbit::experiments::schedules
