// What a sweep will do, for people and for programs.
#pragma once
#include <filesystem>
#include <span>
#include <string>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// A line per cell with its state in `folder`, counts, dropped combinations with their clauses, notes.
[[nodiscard]] std::string plan_text(const Sweep& sweep, std::span<const Cell> cells,
                                    const std::filesystem::path& folder);
/// An object a line: cells, then dropped combinations ("dropped": clause).
[[nodiscard]] std::string plan_json(const Sweep& sweep, std::span<const Cell> cells,
                                    const std::filesystem::path& folder);
/// Every value of every cell with the layer it came from.
[[nodiscard]] std::string config_text(std::span<const Cell> cells);

}  // namespace isorbit::experiments
