// Lion (Chen et al., arXiv 2302.06675), with g the incoming direction:
//   direction = sign(beta1 m + (1 - beta1) g),   m = beta2 m + (1 - beta2) g
// sign(0) is 0. The direction does not change where gradients are scaled; the moment does.
#include <cmath>

#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

ChunkUpdate prepare(const core::Json& fields, const Turn&) {
  const double beta1 = fields.at("beta1").get<double>(), beta2 = fields.at("beta2").get<double>();
  const auto keep1 = static_cast<float>(beta1), take1 = static_cast<float>(1.0 - beta1);
  const auto keep2 = static_cast<float>(beta2), take2 = static_cast<float>(1.0 - beta2);
  return [=](const Chunk& chunk) {
    float* __restrict__ const d = chunk.direction.data();
    float* __restrict__ const m = chunk.moments[0].data();
    for (std::size_t i = 0; i < chunk.direction.size(); ++i) {
      const float g = d[i];
      const float blend = keep1 * m[i] + take1 * g;
      m[i] = keep2 * m[i] + take2 * g;
      d[i] = std::abs(blend) > 0.0F ? std::copysign(1.0F, blend) : blend;  // what is no number stays none
    }
  };
}

}  // namespace

Update lion() {
  const core::Spec beta = core::Spec::number().at_least(0).below(1);
  return {.name = "lion",
          .doc = "the sign of a blend of gradient and moment",
          .fields = {{"beta1", beta, "share of the moment in the blend", core::Json(0.9)},
                     {"beta2", beta, "decay of the moment", core::Json(0.99)}},
          .moments = {{"m", -1}},
          .prepare = prepare,
          .degree = 0};
}

}  // namespace isorbit::experiments::updates
