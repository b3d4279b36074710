// A sweep's folder as analysis sees it.
#pragma once
#include <vector>

#include "analysis/labelled_run.hpp"
#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments {

/// The cells in order; those that are not complete have no record. Of an earlier plan's its digits are a
/// value that it has otherwise, "plan".
[[nodiscard]] std::vector<analysis::LabelledRun> labelled_runs(const Results& results);

}  // namespace isorbit::experiments
