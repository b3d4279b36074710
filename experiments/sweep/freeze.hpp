// The documents of a sweep as they are now, for a job that reads them later.
#pragma once
#include <filesystem>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// Copies the sweep with its models and methods into `folder`; the overrides stand in the copy of the sweep,
/// and weights in files stay where they are, named by their full paths. The copy of the sweep, which has the
/// same cells. Throws DocumentError, and std::system_error naming the path.
[[nodiscard]] std::filesystem::path freeze(const SweepRequest& request, const std::filesystem::path& folder);

}  // namespace isorbit::experiments
