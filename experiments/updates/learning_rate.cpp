// direction *= value(step): the step size.
#include "experiments/schedule.hpp"
#include "experiments/updates/loop.hpp"

namespace isorbit::experiments::updates {

Update learning_rate() {
  return {.name = "learning_rate",
          .doc = "the step size; every update has exactly one",
          .fields = {{"value", scheduled_number(), "the step size, or its schedule", {}}},
          .prepare = [](const core::Json& fields, const Turn& turn) {
            return multiply(number_at(fields.at("value"), turn.step, turn.steps));
          }};
}

}  // namespace isorbit::experiments::updates
