// direction *= factor: a learning-rate multiplier for the tensors of one group.
#include "experiments/schedule.hpp"
#include "experiments/updates/loop.hpp"

namespace isorbit::experiments::updates {

Update scale() {
  return {.name = "scale",
          .doc = "multiplies the direction",
          .fields = {{"factor", scheduled_number(), "the multiplier", {}}},
          .prepare = [](const core::Json& fields, const Turn& turn) {
            return multiply(number_at(fields.at("factor"), turn.step, turn.steps));
          }};
}

}  // namespace isorbit::experiments::updates
