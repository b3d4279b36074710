// What becomes of a gradient. An update is a chain of words (experiments/updates/, one a file): each changes
// the direction in turn, which starts as the (clipped) gradient; what is left at the end is subtracted from
// the tensor.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/document/spec.hpp"
#include "core/graph/types.hpp"
#include "experiments/idle.hpp"
#include "experiments/misfit.hpp"

namespace isorbit::experiments {

/// A buffer kept per tensor, starting at zero. Where the tensor is scaled by s its moment is scaled by
/// s^power.
struct Moment {
  std::string name;
  double power = 0;
  std::optional<core::Shape> shape = {};  // nothing: the tensor's own
};

/// A moment of the run, as a tensor sees it.
struct Turn {
  std::int64_t age;    // updates since the moments were last zero, this one included: 1, 2, ...
  std::int64_t step;   // finished updates of the run before this one
  std::int64_t steps;  // of the whole run
};

/// Elements of one tensor in a row, with what lies beside them.
struct Chunk {
  std::span<float> direction;
  std::span<const float> tensor;              // before the update
  std::span<const std::span<float>> moments;  // as the word declares them
  const core::Shape& shape;                   // of the whole tensor
};

/// Changes the direction, and the moments, of one chunk. Called for many chunks at once.
using ChunkUpdate = std::function<void(const Chunk&)>;

struct Update {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;  // numbers may be scheduled: read them with number_at()
  std::vector<Moment> moments = {};
  /// In place of `moments`, where they depend on fields and shape.
  std::function<std::vector<Moment>(const core::Json& fields, const core::Shape& tensor)> moments_on = {};
  /// Nothing: it fits every tensor.
  std::function<std::vector<Misfit>(const core::Json& fields, const core::Shape& tensor)> misfits = {};
  /// Reads the fields once a step and returns what is done to every chunk of the tensors that share them.
  std::function<ChunkUpdate(const core::Json& fields, const Turn&)> prepare = {};
  /// What of it does nothing in a run beside its schedules' numbers; nothing: all of it counts in every run.
  std::function<std::vector<Idle>(const core::Json& fields, const RunFacts&)> idle = {};
  /// The direction becomes s^degree times as long where gradients (and moments, by their powers) become s
  /// times as long, rounding and epsilon aside: 0 where the word takes their length out.
  double degree = 1;
  /// The word adds a share of the tensor itself to the direction.
  bool adds_tensor = false;
  /// The word looks at more than one element at a time: its chunk is the whole tensor.
  bool whole_tensor = false;
  /// One of its fields is a list of words that run within it (any but aliases, "learning_rate" and words like
  /// itself): updates::held_words() (updates/word.hpp). The vocabulary describes the list.
  bool holds_words = false;
  /// An alias: the list of words it stands for, from its own fields ("adamw"). Such a word has no prepare.
  std::function<core::Json(const core::Json& fields)> expand = {};
};

/// What a word keeps of a tensor of this shape that it fits.
[[nodiscard]] inline std::vector<Moment> moments_of(const Update& word, const core::Json& fields,
                                                    const core::Shape& tensor) {
  return word.moments_on ? word.moments_on(fields, tensor) : word.moments;
}

namespace updates {
[[nodiscard]] std::vector<Update> registered();
}
}  // namespace isorbit::experiments
