// What the verbs that take a sweep have in common: the sweep or its folder, overrides, selection, folders.
#pragma once
#include <filesystem>

#include "experiments/program/command_line.hpp"
#include "experiments/sweep/selection.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// --data, --seed, -o.
void add_sweep_options(CommandLine& line);
/// --only, --limit.
void add_selection_options(CommandLine& line);

/// The sweep that the first argument names, with the overrides that follow it.
[[nodiscard]] SweepRequest sweep_request_from(const CommandLine& line);
[[nodiscard]] Sweep sweep_from(const CommandLine& line);
[[nodiscard]] Selection selection_from(const CommandLine& line);
[[nodiscard]] std::filesystem::path data_dir_from(const CommandLine& line);
/// -o, else runs/<name>.
[[nodiscard]] std::filesystem::path folder_for(const CommandLine& line, const Sweep& sweep);

/// A sweep with the folder of its results.
struct Results {
  Sweep sweep;
  std::filesystem::path folder;
};
/// The first argument is the folder of a sweep that ran, or a sweep document.
[[nodiscard]] Results results_from(const CommandLine& line);

}  // namespace isorbit::experiments
