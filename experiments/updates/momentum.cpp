// Heavy-ball momentum on the incoming direction g, without dampening (Sutskever et al., ICML 2013):
//   u = beta u + g,   direction = u, or g + beta u with Nesterov's look-ahead
#include "experiments/updates/loop.hpp"

namespace isorbit::experiments::updates {

namespace {

void apply(const core::Json& fields, const Turn& turn) {
  const auto beta = static_cast<float>(fields.at("beta").get<double>());
  const bool nesterov = fields.at("nesterov").get<bool>();
  over_elements(turn, [=, &turn](std::int64_t first, std::int64_t last) {
    float* __restrict__ const d = turn.direction.data();
    float* __restrict__ const u = turn.moments[0].data();
    for (std::int64_t i = first; i < last; ++i) {
      u[i] = beta * u[i] + d[i];
      d[i] = nesterov ? d[i] + beta * u[i] : u[i];
    }
  });
}

}  // namespace

Update momentum() {
  return {.name = "momentum",
          .doc = "a decaying sum of all directions so far",
          .fields = {{"beta", core::Spec::number().at_least(0).below(1), "decay of the sum", core::Json(0.9)},
                     {"nesterov", core::Spec::boolean(), "look one step ahead", core::Json(false)}},
          .moments = {{"u", -1}},
          .apply = apply};
}

}  // namespace isorbit::experiments::updates
