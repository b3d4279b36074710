// With t = finished updates, w = warmup, n = updates in all, p = (t - w) / (n - 1 - w):
//   value(t) = peak * (t + 1) / w                                              t < w
//            = peak * (floor + (1 - floor) * (1 + cos(pi p)) / 2)              else
// so that the last update has floor * peak (Loshchilov and Hutter, arXiv 1608.03983, one cycle).
#include <cmath>
#include <numbers>

#include "experiments/schedules/warmup.hpp"

namespace isorbit::experiments::schedules {

Schedule cosine() {
  std::vector<core::Field> fields = warmup_fields();
  fields.push_back(floor_field(0.1));
  return {.name = "cosine",
          .doc = "warm-up, then half a cosine down to the floor",
          .fields = std::move(fields),
          .at =
              [](const core::Json& f, std::int64_t step, std::int64_t steps) {
                const double floor = f.at("floor").get<double>();
                const double half = (1.0 + std::cos(std::numbers::pi * progress(f, step, steps))) / 2;
                return f.at("peak").get<double>() * warmed(f, step) * (floor + (1.0 - floor) * half);
              },
          .largest = peak_of,
          .unreached = unreached_peak};
}

}  // namespace isorbit::experiments::schedules
