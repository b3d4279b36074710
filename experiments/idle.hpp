// What of a method does nothing in a run: an arm that has it may be another arm's run under its own name.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/document/json.hpp"
#include "experiments/misfit.hpp"

namespace isorbit::experiments {

/// What a word may ask of the run that it is in.
struct RunFacts {
  std::int64_t steps = 0;  // updates; kEndless where no run is known
  /// Finished updates at which the moments of the word's tensors are first zeroed between two updates, and at
  /// which a weight is first merged before the last one; nothing: never.
  std::optional<std::int64_t> zeroed = {}, merged = {};

  static constexpr std::int64_t kEndless = std::int64_t{1} << 53;
  [[nodiscard]] bool is_known() const { return steps != kEndless; }
  /// "the run has 20 steps (training.steps)"
  [[nodiscard]] std::string text() const {
    return "the run has " + std::to_string(steps) + (steps == 1 ? " step" : " steps") + " (training.steps)";
  }
};

/// Why a field of a word does nothing, or less than it says.
struct Idle {
  Misfit misfit;
  /// What the arm does not do, "never merges"; empty: the field counts all the same. Where it is not empty, a
  /// run with any other value of the field that does nothing is the same run.
  std::string sentence = {};
  core::Json instead = {};  // the value of the field that says that it does nothing; null: there is none
};

}  // namespace isorbit::experiments
