// Takes what the coordinates have learned into the base and starts their next interval: W0 <- R W0 P, fresh
// coordinates, so that the weight the model computes with stays as it is. One row is logged per weight.
#include "experiments/events/merge/merge_weights.hpp"

namespace isorbit::experiments::events {

namespace {

void apply(const core::Json& fields, EventScope& scope) {
  std::vector<std::string> weights;
  for (const std::string& name : scope.weights())
    if (scope.is_parametrized(name)) weights.push_back(name);
  merge_weights(scope, weights, fields.at("moments") == "reset");
}

}  // namespace

Event merge() {
  return {.name = "merge",
          .doc = "takes the coordinates into the base and starts them anew",
          .fields = {{"moments", core::Spec::text().one_of({"reset", "keep"}),
                      "what becomes of the coordinates' moments", core::Json("reset")}},
          .apply = apply,
          .does = "merges",
          .zeroes_moments = [](const core::Json& fields) { return fields.at("moments") == "reset"; },
          .merges = [](const core::Json&) { return true; }};
}

}  // namespace isorbit::experiments::events
