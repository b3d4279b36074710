// direction *= factor: a learning-rate multiplier for the tensors of one group.
#include "experiments/schedule.hpp"
#include "experiments/updates/loop.hpp"

namespace isorbit::experiments::updates {

Update scale() {
  return {.name = "scale",
          .doc = "multiplies the direction",
          .fields = {{"factor", scheduled_number(), "the multiplier", {}}},
          .prepare =
              [](const core::Json& fields, const Turn& turn) {
                return multiply(number_at(fields.at("factor"), turn.step, turn.steps));
              },
          .idle = [](const core::Json& fields, const RunFacts&) -> std::vector<Idle> {
            if (largest_number(fields.at("factor")) != 0) return {};
            return {{{"factor", "a factor of 0 throughout", "a number above 0",
                      "nothing that it trains would ever move", "\"update\": []"},
                     "has a factor of 0"}};
          }};
}

}  // namespace isorbit::experiments::updates
