// The documents of a sweep as they are now, for a job that reads them later.
#pragma once
#include <filesystem>
#include <set>
#include <string>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// File names in a folder that documents must not take.
using OwnNames = std::set<std::string>;

/// Where freeze puts the copy of the sweep itself: under its own name, or a numbered one where that is ours.
[[nodiscard]] std::filesystem::path frozen_sweep(const SweepRequest& request,
                                                 const std::filesystem::path& folder, const OwnNames& ours);

/// Copies the sweep with its models and methods into `folder`; the overrides stand in the copy of the sweep,
/// and weights in files stay where they are, named by their full paths. The copy of the sweep, which has the
/// same cells. Throws DocumentError, and std::system_error naming the path.
std::filesystem::path freeze(const SweepRequest& request, const std::filesystem::path& folder,
                             const OwnNames& ours = {});

}  // namespace isorbit::experiments
