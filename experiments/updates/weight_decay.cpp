// direction += rate * tensor. Before learning_rate it is the decoupled decay of AdamW, p -= lr * rate * p
// (Loshchilov and Hutter, arXiv 1711.05101).
#include "experiments/schedule.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

ChunkUpdate prepare(const core::Json& fields, const Turn& turn) {
  const bool matrices_only = fields.at("matrices_only").get<bool>();
  const auto rate = static_cast<float>(number_at(fields.at("rate"), turn.step, turn.steps));
  return [=](const Chunk& chunk) {
    if (matrices_only && chunk.shape.rank() < 2) return;
    float* __restrict__ const d = chunk.direction.data();
    const float* __restrict__ const p = chunk.tensor.data();
    for (std::size_t i = 0; i < chunk.direction.size(); ++i) d[i] += rate * p[i];
  };
}

}  // namespace

Update weight_decay() {
  return {.name = "weight_decay",
          .doc = "pulls the tensor towards zero",
          .fields = {{"rate", scheduled_number(), "share of the tensor added to the direction", {}},
                     {"matrices_only", core::Spec::boolean(),
                      "leave vectors (biases, gains) alone: only tensors of two or more axes decay",
                      core::Json(true)}},
          .prepare = prepare,
          .adds_tensor = true};
}

}  // namespace isorbit::experiments::updates
