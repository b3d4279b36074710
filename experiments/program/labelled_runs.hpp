// A sweep's folder as analysis sees it.
#pragma once
#include <span>
#include <vector>

#include "analysis/labelled_run.hpp"
#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments {

/// The rows of these cells of the results, in order: those that are done with their record, others with what
/// happened to them and what their newest attempt has recorded. Of an earlier plan's its digits are a value
/// that it has otherwise, "plan".
[[nodiscard]] std::vector<analysis::LabelledRun> labelled_runs(const Results& results,
                                                               std::span<const Cell> cells);

}  // namespace isorbit::experiments
