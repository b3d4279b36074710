// With t = finished updates, w = warmup, n = updates in all:
//   value(t) = peak * (t + 1) / w                                      t < w
//            = peak * (1 - (1 - floor) * (t - w) / (n - 1 - w))        else
// so that the last update has floor * peak.
#include "experiments/schedules/warmup.hpp"

namespace isorbit::experiments::schedules {

Schedule linear() {
  std::vector<core::Field> fields = warmup_fields();
  fields.push_back(floor_field(0.0));
  return {.name = "linear",
          .doc = "warm-up, then a straight line down to the floor",
          .fields = std::move(fields),
          .at =
              [](const core::Json& f, std::int64_t step, std::int64_t steps) {
                const double fall = (1.0 - f.at("floor").get<double>()) * progress(f, step, steps);
                return f.at("peak").get<double>() * warmed(f, step) * (1.0 - fall);
              },
          .largest = peak_of,
          .unreached = unreached_peak};
}

}  // namespace isorbit::experiments::schedules
