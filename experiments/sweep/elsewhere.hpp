// What is written in a sweep document at one place and belongs to another.
#pragma once
#include <vector>

#include "core/document/problem.hpp"
#include "experiments/sweep/axes.hpp"
#include "experiments/sweep/controls.hpp"

namespace isorbit::experiments {

/// Completes problems that suggest nothing: of a key that another object has ("learning_rate" beside "arms",
/// or `steps=100` on the command line), where it stands; of a list of values, where lists stand. `models` and
/// `methods` are those of the arms, null where they could not be read.
void suggest_elsewhere(std::vector<core::Problem>& problems, const core::Document& sweep,
                       const ArmDocuments& models, const ArmDocuments& methods);

}  // namespace isorbit::experiments
