// One attempt at a cell, from its claim to its publication.
#pragma once
#include <functional>
#include <string>

#include "experiments/sweep/claim.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

/// Whether the cell is complete by now, without training: another process did it, or left no more to do than
/// to say so. `note` is told what was found and done. The caller owns the cell. Throws as mend().
[[nodiscard]] bool complete_without_training(const std::filesystem::path& cell_folder,
                                             const std::string& cell_id,
                                             const std::function<void(const std::string&)>& note);

/// Runs `wanted` by `run` as the claimed attempt and publishes what it completes. What is thrown is a failed
/// outcome, kept in the attempt's folder; superseded where another attempt has the cell or was faster.
[[nodiscard]] CellResult attempt_cell(const Claim& claim, CellRequest wanted,
                                      const std::function<CellResult(const CellRequest&)>& run);

/// An attempt that fails before it begins.
CellResult refuse_cell(const Claim& claim, const Failure& failure);

}  // namespace isorbit::experiments
