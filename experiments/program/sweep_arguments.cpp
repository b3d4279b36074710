#include "experiments/program/sweep_arguments.hpp"

#include "core/document/json_cursor.hpp"
#include "core/document/printable.hpp"
#include "core/document/problem.hpp"
#include "experiments/data/corpus.hpp"
#include "experiments/launchers/command.hpp"
#include "experiments/sweep/kept_plans.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/status.hpp"

namespace isorbit::experiments {
namespace {

/// What the folder says of itself. Throws DocumentError that says how to go on.
Sweep todays(const std::filesystem::path& folder) {
  try {
    return read_manifest(folder);
  } catch (const core::DocumentError& error) {
    std::vector<core::Problem> problems(error.problems().begin(), error.problems().end());
    if (std::filesystem::exists(manifest_path(folder)))
      problems.back().because += (problems.back().because.empty() ? "" : "; ") +
                                 std::string("isorbit run SWEEP -o ") + shell_word(folder.string()) +
                                 " writes the plan again, and trains nothing that is complete";
    throw core::DocumentError(std::move(problems));
  }
}

void choose_seed(const CommandLine& line, Sweep& sweep) {
  if (line.has("seed")) sweep.cells = select(sweep, {{}, {}, line.integer("seed", 0)});
}

}  // namespace

void add_sweep_options(CommandLine& line) {
  line.option(
          "data", "DIR",
          "where the corpora are, each a folder with train.txt and valid.txt; else $ISORBIT_DATA, else data")
      .option("seed", "N", "only the cells of this seed, which joins the sweep's where it is none of them")
      .option("output,o", "DIR", "where the results are; else runs/<name>");
}

void add_selection_options(CommandLine& line) {
  line.option("only", "NAME=VALUE,...",
              "the cells these hold for: arm (poet*), seed (0,1), id (its beginning), an axis; more than "
              "once: any of them")
      .option("limit", "N", "at most so many cells");
}

void add_all_option(CommandLine& line) {
  line.option("all", "", "also the cells that were begun in the folder under documents it had before");
}

std::filesystem::path data_dir_from(const CommandLine& line) {
  const std::optional<std::string> given = line.text("data");
  return given ? std::filesystem::path(*given) : default_data_dir();
}

SweepRequest sweep_request_from(const CommandLine& line) {
  SweepRequest request{
      line.first("sweep document"), line.rest(), data_dir_from(line), {}, line.integer("seed", 0)};
  for (const std::string& text : request.overrides)
    if (!core::is_utf8(text))
      throw UsageError("found \"" + core::as_utf8(text) +
                       "\"; expected an override of UTF-8, as documents are");
  return request;
}

Sweep sweep_from(const CommandLine& line) { return read_sweep(sweep_request_from(line)); }

Selection selection_from(const CommandLine& line) {
  Selection selection{line.texts("only"), {}, line.integer("seed", 0)};
  if (const auto limit = line.integer("limit", 1)) selection.limit = static_cast<std::size_t>(*limit);
  return selection;
}

std::filesystem::path folder_for(const CommandLine& line, const Sweep& sweep,
                                 const std::string& folder_option) {
  const std::optional<std::string> given = line.text(folder_option);
  return given ? std::filesystem::path(*given) : std::filesystem::path("runs") / sweep.name;
}

std::vector<Cell> Results::known() const {
  std::vector<Cell> cells = sweep.cells;
  cells.insert(cells.end(), earlier.begin(), earlier.end());
  return cells;
}

Results results_from(const CommandLine& line, const std::string& folder_option) {
  const std::filesystem::path first = line.first("sweep document or folder of results");
  Results results;
  std::error_code error;
  if (std::filesystem::is_directory(first, error)) {
    line.at_most(1);
    results.sweep = todays(first);
    results.folder = first;
  } else {
    results.sweep = sweep_from(line);
    results.folder = folder_for(line, results.sweep, folder_option);
  }
  results.earlier = earlier_cells(results.folder, results.sweep.cells);
  if (line.has("all")) results.sweep.cells = results.known(), results.earlier.clear();
  choose_seed(line, results.sweep);
  return results;
}

std::string earlier_text(const SweepFolder& folder, std::span<const Cell> earlier) {
  if (earlier.empty()) return {};
  std::size_t finished = 0;
  for (const Cell& cell : earlier) finished += state_of(folder, cell) == CellState::done ? 1 : 0;
  const std::size_t others = earlier.size() - finished;
  const std::string name = shell_word(folder.path().string());
  return (finished > 0 ? std::to_string(finished) + " finished" : "") +
         (finished > 0 && others > 0 ? " and " : "") +
         (others > 0 ? std::to_string(others) + " unfinished" : "") +
         (earlier.size() == 1 ? " cell" : " cells") + " of earlier documents stay" +
         (earlier.size() == 1 ? "s" : "") + " in " + folder.path().string() + "; isorbit status " + name +
         " --all lists " + (earlier.size() == 1 ? "it" : "them") + "\n";
}

}  // namespace isorbit::experiments
