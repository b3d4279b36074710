// From candidates to cells, each after the one whose weights it starts from.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/expand.hpp"
#include "experiments/sweep/overrides.hpp"

namespace isorbit::experiments {

struct MadeCells {
  std::vector<Cell> cells;
  std::vector<std::string> notes;  // cells that would be the same run, files that are widened
};

/// Reads and checks what the candidates name. Problems are added; what they are found in is left out.
[[nodiscard]] MadeCells make_cells(const SweepSources& sources, const Expansion& expansion,
                                   std::span<const Override> overrides, const std::filesystem::path& data_dir,
                                   core::Problems& problems);

}  // namespace isorbit::experiments
