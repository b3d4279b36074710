// Gradients of a step that is computed in parts: the mean over micro-batches of equal size is the gradient of
// one batch of all of them. Sums are in f32, part after part, element by element: threads change no bit.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/runtime/engine.hpp"

namespace isorbit::experiments {

class GradientMean {
 public:
  /// `gradients` are where a backward pass leaves them; they and the engine outlive it.
  GradientMean(std::vector<std::span<const float>> gradients, std::int64_t parts, core::Engine& engine);

  /// Where the means will be, in the order of the gradients; they stay there.
  [[nodiscard]] std::vector<std::span<const float>> values() const;
  /// Takes in the gradients of one more part; after the last the values are means, and the next begins anew.
  void add();
  /// Whether the values are those of a whole step.
  [[nodiscard]] bool is_whole() const { return added_ == parts_; }
  [[nodiscard]] std::size_t bytes() const;

 private:
  std::vector<std::span<const float>> gradients_;
  std::vector<std::vector<float>> sums_;
  std::int64_t parts_, added_ = 0;
  core::Engine& engine_;
};

}  // namespace isorbit::experiments
