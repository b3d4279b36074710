#include "experiments/events/merge/merge_weights.hpp"

namespace isorbit::experiments {

void merge_weights(EventScope& scope, std::span<const std::string> weights, bool reset_moments) {
  const std::vector<EventScope::Merged> merged = scope.merge(weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (reset_moments) scope.reset_moments(weights[i]);
    scope.log({scope.step(), "merge", weights[i], EventRow::kNone, merged[i].defect, merged[i].bound});
    if (merged[i].rounding_bound > 0)
      scope.log({scope.step(), "quantize", weights[i], EventRow::kNone, merged[i].rounding_defect,
                 merged[i].rounding_bound});
  }
}

}  // namespace isorbit::experiments
