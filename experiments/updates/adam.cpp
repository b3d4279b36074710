// Adam (Kingma and Ba, arXiv 1412.6980), with g the incoming direction and t the age of the moments:
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   direction = m_hat / (sqrt(v_hat) + epsilon),   m_hat = m / (1 - beta1^t),  v_hat = v / (1 - beta2^t)
// Elements that never had a gradient keep the direction 0, also where epsilon is 0.
#include <cmath>
#include <limits>

#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

ChunkUpdate prepare(const core::Json& fields, const Turn& turn) {
  const double beta1 = fields.at("beta1").get<double>(), beta2 = fields.at("beta2").get<double>();
  const auto age = static_cast<double>(turn.age);
  const auto keep1 = static_cast<float>(beta1), take1 = static_cast<float>(1.0 - beta1);
  const auto keep2 = static_cast<float>(beta2), take2 = static_cast<float>(1.0 - beta2);
  const auto correct1 = static_cast<float>(1.0 / (1.0 - std::pow(beta1, age)));
  const auto correct2 = static_cast<float>(1.0 / (1.0 - std::pow(beta2, age)));
  const auto epsilon = static_cast<float>(fields.at("epsilon").get<double>());
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return [=](const Chunk& chunk) {
    float* __restrict__ const d = chunk.direction.data();
    float* __restrict__ const m = chunk.moments[0].data();
    float* __restrict__ const v = chunk.moments[1].data();
    for (std::size_t i = 0; i < chunk.direction.size(); ++i) {
      const float g = d[i];
      m[i] = keep1 * m[i] + take1 * g;
      v[i] = keep2 * v[i] + take2 * g * g;
      const float root = std::sqrt(v[i] * correct2) + epsilon;
      d[i] = m[i] * correct1 / (root > 0.0F ? root : kInfinity);
    }
  };
}

}  // namespace

Update adam() {
  const core::Spec beta = core::Spec::number().at_least(0).below(1);
  return {.name = "adam",
          .doc = "bias-corrected first moment over the root of the second",
          .fields = {{"beta1", beta, "decay of the first moment", core::Json(0.9)},
                     {"beta2", beta, "decay of the second moment", core::Json(0.999)},
                     {"epsilon", core::Spec::number().at_least(0), "added to the root", core::Json(1e-8)}},
          .moments = {{"m", -1}, {"v", -2}},
          .prepare = prepare,
          .degree = 0};
}

}  // namespace isorbit::experiments::updates
