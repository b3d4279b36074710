// What the arms of a sweep differ in besides the words that make their methods: gradient clipping, learning
// rate floor and warm-up, beta2, what decays, what the weights start from, the model and its constants, and
// fields of training and data. A difference in the results may come from any of them.
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// A property that is not the same in every arm: its value by arm, in the order of the sweep; the values of
/// an arm's cells are joined by " or ", those of its groups of parameters name the pattern.
struct Difference {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arms;
};

/// Read off the resolved documents of the cells.
[[nodiscard]] std::vector<Difference> differences_between_arms(std::span<const Cell> cells);

/// A table with a row an arm; nothing without differences.
[[nodiscard]] std::string differences_text(std::span<const Difference> differences);
/// An object a line: {"differs": name, "arms": {arm: value}}.
[[nodiscard]] std::string differences_json(std::span<const Difference> differences);

}  // namespace isorbit::experiments
