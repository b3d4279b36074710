// What the verbs that take a sweep have in common: the sweep or its folder, overrides, selection, folders.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "experiments/program/command_line.hpp"
#include "experiments/sweep/selection.hpp"
#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"

namespace isorbit::experiments {

/// --data, --seed, -o.
void add_sweep_options(CommandLine& line);
/// --only, --limit.
void add_selection_options(CommandLine& line);
/// --all.
void add_all_option(CommandLine& line);

/// The sweep that the first argument names, with the overrides that follow it.
[[nodiscard]] SweepRequest sweep_request_from(const CommandLine& line);
[[nodiscard]] Sweep sweep_from(const CommandLine& line);
[[nodiscard]] Selection selection_from(const CommandLine& line);
[[nodiscard]] std::filesystem::path data_dir_from(const CommandLine& line);
/// -o, else runs/<name>.
[[nodiscard]] std::filesystem::path folder_for(const CommandLine& line, const Sweep& sweep,
                                               const std::string& folder_option = "output");

/// A sweep with the folder of its results.
struct Results {
  Sweep sweep;
  SweepFolder folder;
  std::vector<Cell> earlier;  // begun in the folder under documents it had before, and not of this one

  /// Every cell that may have files in the folder.
  [[nodiscard]] std::vector<Cell> known() const;
};
/// The first argument is the folder of a sweep that ran, or a sweep document. With --seed its cells are those
/// of that seed; with --all the earlier ones are among them.
/// `folder_option`: that which names the folder of a document's results, else runs/<name>.
[[nodiscard]] Results results_from(const CommandLine& line, const std::string& folder_option = "output");

/// "3 finished and 1 unfinished cells of earlier documents stay in DIR; isorbit status DIR --all lists them",
/// a line; empty where there are none.
[[nodiscard]] std::string earlier_text(const SweepFolder& folder, std::span<const Cell> earlier);

}  // namespace isorbit::experiments
