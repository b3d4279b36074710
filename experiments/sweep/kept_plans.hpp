// What a sweep's folder remembers: every plan that was ever asked of it, and so every cell that may have run
// in it. Beside plan.json, which is today's:
//
//   plans/<first 16 digits of its SHA-256>/plan.json    a plan, never changed and never removed
//   plans/<...>/documents/                              the documents it came from, where those were files
#pragma once
#include <filesystem>
#include <vector>

#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"

namespace isorbit::experiments {

/// Makes the plan of a sweep the folder's today, after those there are are kept. Throws DocumentError where
/// what the folder remembers is of a sweep on other data of the same names, or is damaged so that nobody
/// knows; std::system_error naming the path.
void begin_plan(const std::filesystem::path& folder, const Sweep& sweep, const SweepRequest& request);

/// Throws as begin_plan does, and writes nothing.
void check_data(const std::filesystem::path& folder, const Sweep& sweep);

/// Cells that were begun in the folder and are not among `today`, each with its `plan`. Throws DocumentError
/// where what the folder remembers is damaged.
[[nodiscard]] std::vector<Cell> earlier_cells(const SweepFolder& folder, const std::vector<Cell>& today);

}  // namespace isorbit::experiments
