// Stochastic gradient descent, p -= lr * (g + beta u ...). Stands for momentum (where beta is above 0) and
// learning_rate.
#include "experiments/schedule.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

core::Json expand(const core::Json& f) {
  core::Json chain = core::Json::array();
  if (f.at("beta").get<double>() > 0)
    chain.push_back({{"kind", "momentum"}, {"beta", f.at("beta")}, {"nesterov", f.at("nesterov")}});
  chain.push_back({{"kind", "learning_rate"}, {"value", f.at("learning_rate")}});
  return chain;
}

}  // namespace

Update sgd() {
  return {.name = "sgd",
          .doc = "momentum (where beta is above 0), learning_rate",
          .fields = {{"learning_rate", scheduled_number(), "the step size, or its schedule", {}},
                     {"beta", core::Spec::number().at_least(0).below(1), "momentum", core::Json(0.0)},
                     {"nesterov", core::Spec::boolean(), "look one step ahead", core::Json(false)}},
          .expand = expand};
}

}  // namespace isorbit::experiments::updates
