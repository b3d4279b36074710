// direction *= value(step) ramp: the step size. With r = rewarm and a = updates since the moments were last
// zero, this one included,
//   ramp = min(1, a / r) where the moments were zeroed in the run, else 1
// the short warm-up after a merge of ReLoRA (Lialin et al., arXiv 2307.05695).
#include "experiments/updates/learning_rate.hpp"

#include "experiments/schedule.hpp"
#include "experiments/updates/loop.hpp"

namespace isorbit::experiments::updates {

double learning_rate_at(const core::Json& fields, const Turn& turn) {
  const double value = number_at(fields.at("value"), turn.step, turn.steps);
  const auto rewarm = fields.at("rewarm").get<std::int64_t>();
  const bool zeroed = turn.age <= turn.step;
  if (!zeroed || turn.age >= rewarm) return value;
  return value * static_cast<double>(turn.age) / static_cast<double>(rewarm);
}

namespace {

std::vector<Idle> idle(const core::Json& fields, const RunFacts& run) {
  std::vector<Idle> all;
  if (largest_number(fields.at("value")) == 0)
    all.push_back({{"value", "a step size of 0 throughout", "a number above 0",
                    "nothing that it trains would ever move", "\"update\": []"},
                   "has a step size of 0"});
  const auto rewarm = fields.at("rewarm").get<std::int64_t>();
  if (rewarm > 1 && !run.zeroed)
    all.push_back({{"rewarm", "a warm-up of " + std::to_string(rewarm) + " updates after moments were zeroed",
                    "an event that zeroes them between two updates",
                    run.is_known() ? run.text() + ", and none does in it" : "the method has none", ""},
                   "never re-warms its step size",
                   0});
  return all;
}

}  // namespace

Update learning_rate() {
  return {.name = "learning_rate",
          .doc = "the step size; every update has exactly one",
          .fields = {{"value", scheduled_number(), "the step size, or its schedule", {}},
                     {"rewarm", core::Spec::integer().at_least(0).at_most(1e9),
                      "updates that it takes to come back after the moments were zeroed", core::Json(0)}},
          .prepare = [](const core::Json& fields,
                        const Turn& turn) { return multiply(learning_rate_at(fields, turn)); },
          .idle = idle};
}

}  // namespace isorbit::experiments::updates
