// Heavy-ball momentum on the incoming direction g, without dampening (Sutskever et al., ICML 2013):
//   u = beta u + g,   direction = u, or g + beta u with Nesterov's look-ahead
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

ChunkUpdate prepare(const core::Json& fields, const Turn&) {
  const auto beta = static_cast<float>(fields.at("beta").get<double>());
  const bool nesterov = fields.at("nesterov").get<bool>();
  return [=](const Chunk& chunk) {
    float* __restrict__ const d = chunk.direction.data();
    float* __restrict__ const u = chunk.moments[0].data();
    const std::size_t n = chunk.direction.size();
    if (nesterov) {
      for (std::size_t i = 0; i < n; ++i) {
        u[i] = beta * u[i] + d[i];
        d[i] = d[i] + beta * u[i];
      }
    } else {
      for (std::size_t i = 0; i < n; ++i) d[i] = u[i] = beta * u[i] + d[i];
    }
  };
}

}  // namespace

Update momentum() {
  return {.name = "momentum",
          .doc = "a decaying sum of all directions so far",
          .fields = {{"beta", core::Spec::number().at_least(0).below(1), "decay of the sum", core::Json(0.9)},
                     {"nesterov", core::Spec::boolean(), "look one step ahead", core::Json(false)}},
          .moments = {{"u", -1}},
          .prepare = prepare};
}

}  // namespace isorbit::experiments::updates
