// A sweep's folder as analysis sees it.
#pragma once
#include <vector>

#include "analysis/labelled_run.hpp"
#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments {

/// The cells in order; those that are not complete have no record.
[[nodiscard]] std::vector<analysis::LabelledRun> labelled_runs(const Results& results);

}  // namespace isorbit::experiments
