// What becomes of a gradient. An update is a chain of words (experiments/updates/, one a file): each changes
// the direction in turn, which starts as the (clipped) gradient; what is left at the end is subtracted from
// the tensor.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/document/spec.hpp"
#include "core/graph/types.hpp"
#include "core/runtime/engine.hpp"

namespace isorbit::experiments {

/// A buffer kept per tensor, starting at zero. Where the tensor is scaled by s its moment is scaled by
/// s^power.
struct Moment {
  std::string name;
  double power = 0;
};

/// One tensor's turn.
struct Turn {
  std::span<float> direction;
  std::span<const float> tensor;              // before the update
  std::span<const std::span<float>> moments;  // as the word declares them
  const core::Shape& shape;
  std::int64_t age;    // updates since the moments were last zero, this one included: 1, 2, ...
  std::int64_t step;   // finished updates of the run before this one
  std::int64_t steps;  // of the whole run
  core::Engine& engine;
};

struct Update {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;  // numbers may be scheduled: read them with number_at()
  std::vector<Moment> moments = {};
  std::function<void(const core::Json& fields, const Turn&)> apply = {};
  /// An alias: the list of words it stands for, from its own fields ("adamw"). Such a word has no apply.
  std::function<core::Json(const core::Json& fields)> expand = {};
};

namespace updates {
[[nodiscard]] std::vector<Update> registered();
}
}  // namespace isorbit::experiments
