// AdamW (Loshchilov and Hutter, arXiv 1711.05101): p -= lr * (m_hat / (sqrt(v_hat) + epsilon) + decay * p).
// Stands for adam, weight_decay (matrices only), learning_rate.
#include "experiments/schedule.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

core::Json expand(const core::Json& f) {
  return core::Json::array(
      {{{"kind", "adam"}, {"beta1", f.at("beta1")}, {"beta2", f.at("beta2")}, {"epsilon", f.at("epsilon")}},
       {{"kind", "weight_decay"}, {"rate", f.at("weight_decay")}},
       {{"kind", "learning_rate"}, {"value", f.at("learning_rate")}}});
}

}  // namespace

Update adamw() {
  const core::Spec beta = core::Spec::number().at_least(0).below(1);
  return {.name = "adamw",
          .doc = "adam, weight_decay of matrices, learning_rate",
          .fields = {{"learning_rate", scheduled_number(), "the step size, or its schedule", {}},
                     {"beta1", beta, "decay of the first moment", core::Json(0.9)},
                     {"beta2", beta, "decay of the second moment", core::Json(0.999)},
                     {"epsilon", core::Spec::number().at_least(0), "added to the root", core::Json(1e-8)},
                     {"weight_decay", scheduled_number(), "rate of the decoupled decay", core::Json(0.01)}},
          .expand = expand};
}

}  // namespace isorbit::experiments::updates
