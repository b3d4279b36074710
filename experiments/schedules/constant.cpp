// value(t) = value.
#include "experiments/schedule.hpp"

namespace isorbit::experiments::schedules {

Schedule constant() {
  return {.name = "constant",
          .doc = "the same value at every step",
          .fields = {{"value", core::Spec::number().at_least(0), "the value", {}}},
          .at = [](const core::Json& fields, std::int64_t,
                   std::int64_t) { return fields.at("value").get<double>(); },
          .largest = [](const core::Json& fields) { return fields.at("value").get<double>(); }};
}

}  // namespace isorbit::experiments::schedules
