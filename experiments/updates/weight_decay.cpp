// direction += rate * tensor. Before learning_rate it is the decoupled decay of AdamW, p -= lr * rate * p
// (Loshchilov and Hutter, arXiv 1711.05101).
#include "experiments/schedule.hpp"
#include "experiments/updates/loop.hpp"

namespace isorbit::experiments::updates {

namespace {

void apply(const core::Json& fields, const Turn& turn) {
  if (fields.at("matrices_only").get<bool>() && turn.shape.rank() < 2) return;
  const auto rate = static_cast<float>(number_at(fields.at("rate"), turn.step, turn.steps));
  over_elements(turn, [=, &turn](std::int64_t first, std::int64_t last) {
    float* __restrict__ const d = turn.direction.data();
    const float* __restrict__ const p = turn.tensor.data();
    for (std::int64_t i = first; i < last; ++i) d[i] += rate * p[i];
  });
}

}  // namespace

Update weight_decay() {
  return {.name = "weight_decay",
          .doc = "pulls the tensor towards zero",
          .fields = {{"rate", scheduled_number(), "share of the tensor added to the direction", {}},
                     {"matrices_only", core::Spec::boolean(),
                      "leave vectors (biases, gains) alone: only tensors of two or more axes decay",
                      core::Json(true)}},
          .apply = apply};
}

}  // namespace isorbit::experiments::updates
