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
  std::vector<std::string> notes;  // files that are widened
  std::vector<core::Problem> warnings;
};

/// Reads and checks what the candidates name. Candidates of one document are one cell with several rows.
/// Problems are added; what they are found in is left out.
[[nodiscard]] MadeCells make_cells(const SweepSources& sources, const Expansion& expansion,
                                   std::span<const Override> overrides, const std::filesystem::path& data_dir,
                                   core::Problems& problems);

}  // namespace isorbit::experiments
