// Muon (Jordan et al., 2024), for matrices: momentum with Nesterov's look-ahead, its direction
// orthogonalized. Stands for momentum, orthogonalize, weight_decay and learning_rate; other tensors have a
// group of their own.
#include "experiments/schedule.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

core::Json expand(const core::Json& f) {
  return core::Json::array({{{"kind", "momentum"}, {"beta", f.at("beta")}, {"nesterov", f.at("nesterov")}},
                            {{"kind", "orthogonalize"}, {"steps", f.at("steps")}, {"scale", f.at("scale")}},
                            {{"kind", "weight_decay"}, {"rate", f.at("weight_decay")}},
                            {{"kind", "learning_rate"}, {"value", f.at("learning_rate")}}});
}

}  // namespace

Update orthogonalize();

Update muon() {
  std::vector<core::Field> fields = {
      {"learning_rate", scheduled_number(), "the step size, or its schedule", {}},
      {"beta", core::Spec::number().at_least(0).below(1), "momentum", core::Json(0.95)},
      {"nesterov", core::Spec::boolean(), "look one step ahead", core::Json(true)},
      {"weight_decay", scheduled_number(), "rate of the decoupled decay", core::Json(0.0)}};
  for (core::Field& field : orthogonalize().fields) fields.push_back(std::move(field));
  return {.name = "muon",
          .doc = "momentum, orthogonalize, weight_decay, learning_rate",
          .fields = std::move(fields),
          .expand = expand};
}

}  // namespace isorbit::experiments::updates
