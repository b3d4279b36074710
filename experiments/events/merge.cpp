// Takes what the coordinates have learned into the base and starts their next interval: W0 <- R W0 P, fresh
// coordinates, so that the weight the model computes with stays as it is. One row is logged per weight.
#include <limits>

#include "experiments/event.hpp"

namespace isorbit::experiments::events {

namespace {

void apply(const core::Json& fields, EventScope& scope) {
  std::vector<std::string> weights;
  for (const std::string& name : scope.weights())
    if (scope.is_parametrized(name)) weights.push_back(name);
  const bool reset = fields.at("moments") == "reset";
  const std::vector<EventScope::Merged> merged = scope.merge(weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (reset) scope.reset_moments(weights[i]);
    scope.log({scope.step(), "merge", weights[i], std::numeric_limits<double>::quiet_NaN(), merged[i].defect,
               merged[i].bound});
  }
}

}  // namespace

Event merge() {
  return {.name = "merge",
          .doc = "takes the coordinates into the base and starts them anew",
          .fields = {{"moments", core::Spec::text().one_of({"reset", "keep"}),
                      "what becomes of the coordinates' moments", core::Json("reset")}},
          .apply = apply};
}

}  // namespace isorbit::experiments::events
