// The limit of the Euclidean norm of all gradients together. After a merge the coordinates start anew with
// empty moments; a limit that is re-warmed keeps their first steps small:
//   limit = norm (from + (1 - from) min(1, s / over)),  s finished updates since the last merge,
// while fewer than `until` updates of the run are finished; the limit is `norm` later, and before any merge.
#pragma once
#include <cstdint>
#include <optional>

#include "core/document/spec.hpp"

namespace isorbit::experiments {

struct Clip {
  struct Rewarm {
    double from = 0.1;
    std::int64_t over = 1, until = 0;
  };
  double norm = 1;
  std::optional<Rewarm> rewarm = {};

  /// The limit at the update that follows `step` finished ones of the run and `since_merge` since a weight
  /// was last merged (nothing: none was).
  [[nodiscard]] double limit(std::int64_t step, std::optional<std::int64_t> since_merge) const;
};

/// "clip_norm" of a method: the norm, or {"norm", "rewarm": {"from", "over", "until"}}.
[[nodiscard]] core::Spec clip_spec();
[[nodiscard]] Clip read_clip(const core::Json& resolved);

}  // namespace isorbit::experiments
