// What of a method does nothing in a run of so many updates.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "experiments/method.hpp"

namespace isorbit::experiments {

/// Adds, as problems of `document`, every event that does not happen in a run of `steps` updates, every
/// number that never reaches what it is meant to be, every field that has no effect in it
/// (RunFacts::kEndless: in any run). Words whose weights are in none of the groups `used` are left out.
void find_idle(const Method& method, const std::set<std::size_t>& used, std::int64_t steps,
               const core::Document& document, core::Problems& found);

/// Adds the parametrizations under which weights of zeros stay as they are: those the model document draws as
/// zeros, or with `given` those that are zeros there.
void find_stuck(const Method& method, const core::Model& model, const std::set<std::string>& zeros,
                const core::Document& document, core::Problems& found);

/// Weights that the model document draws as zeros.
[[nodiscard]] std::set<std::string> drawn_as_zeros(const core::Model& model);

/// The groups that have a parameter of the model.
[[nodiscard]] std::set<std::size_t> groups_used(const Method& method, const core::Model& model);

}  // namespace isorbit::experiments
