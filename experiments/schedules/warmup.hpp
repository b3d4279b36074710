// What the schedules that warm up share: their fields, and the share of the peak while they warm up.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/document/problem.hpp"
#include "experiments/schedule.hpp"

namespace isorbit::experiments::schedules {

/// "peak" and "warmup".
inline std::vector<core::Field> warmup_fields() {
  return {{"peak", core::Spec::number().at_least(0), "the largest value", {}},
          {"warmup", core::Spec::integer().at_least(0), "updates until the peak is reached", core::Json(0)}};
}

/// "floor".
inline core::Field floor_field(double fallback) {
  return {"floor", core::Spec::number().at_least(0).at_most(1),
          "value of the last update, as a fraction of the peak", core::Json(fallback)};
}

/// (step + 1) / warmup while step < warmup, so that update number `warmup` has the peak; 1 from then on.
inline double warmed(const core::Json& fields, std::int64_t step) {
  const auto warmup = fields.at("warmup").get<std::int64_t>();
  return step < warmup ? static_cast<double>(step + 1) / static_cast<double>(warmup) : 1.0;
}

/// Share of the way from the end of the warm-up to the last update: 0 at step = warmup, 1 at step = steps
/// - 1.
inline double progress(const core::Json& fields, std::int64_t step, std::int64_t steps) {
  const auto warmup = fields.at("warmup").get<std::int64_t>();
  const auto length = static_cast<double>(std::max<std::int64_t>(steps - 1 - warmup, 1));
  return std::clamp(static_cast<double>(step - warmup) / length, 0.0, 1.0);
}

inline double peak_of(const core::Json& fields) { return fields.at("peak").get<double>(); }

/// The run ends before the peak, or with it.
inline std::optional<Misfit> unreached_peak(const core::Json& fields, const RunFacts& run) {
  const auto warmup = fields.at("warmup").get<std::int64_t>();
  if (!run.is_known() || warmup <= 1 || warmup < run.steps) return std::nullopt;
  const double share = warmed(fields, run.steps - 1);
  return Misfit{"warmup", "a warm-up of " + std::to_string(warmup) + " updates",
                "fewer than " + std::to_string(run.steps),
                run.text() + (share < 1 ? ", and ends at " + core::shown(std::round(share * 1000) / 1000) +
                                              " of the peak"
                                        : ", and its warm-up ends with it"),
                ""};
}

}  // namespace isorbit::experiments::schedules
