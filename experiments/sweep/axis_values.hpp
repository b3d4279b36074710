// The values that a sweep lists: one spelling for equal ones, and each once.
#pragma once
#include "core/document/problem.hpp"

namespace isorbit::experiments {

/// Rewrites, in a resolved sweep that was checked, constants and values of axes that are numbers in other
/// words ("1e-3", "0.002 / 2", 64.0), and fills in the fields of values of training and data.
void settle_values(core::Json& resolved);

/// Adds, to what the user is warned of, every seed and every value of an axis that a list has a second time:
/// it makes no second run. `resolved` is settled.
void find_repeats(const core::Document& document, const core::Json& resolved,
                  std::vector<core::Problem>& warnings);

}  // namespace isorbit::experiments
