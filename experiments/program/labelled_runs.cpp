#include "experiments/program/labelled_runs.hpp"

#include <algorithm>

#include "core/record/unreadable.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/rows.hpp"
#include "experiments/sweep/status.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments {
namespace {

/// What stands where the number of a cell that is not done would.
std::string happened(const CellStatus& status) {
  const std::string step = std::to_string(status.step);
  switch (status.state) {
    case CellState::running:
      return "running at " + step;
    case CellState::stopped:
      return "stopped at step " + step;
    case CellState::failed:
      return status.kind == name_of(FailureKind::diverged) ? "diverged at step " + step
                                                           : "failed: " + status.kind;
    case CellState::unknown:
      return "cannot tell";
    case CellState::planned:
    case CellState::done:
      break;
  }
  return "missing";
}

analysis::RunState state_in(const SweepFolder& sweep_folder, const Cell& cell) {
  if (state_of(sweep_folder, cell) == CellState::done) return {};
  const CellStatus status = status_of(sweep_folder, cell);
  return {name_of(status.state), happened(status), status.reason};
}

/// Of a cell that has recorded something.
std::function<core::RunRecord()> loader(const std::filesystem::path& cell_folder, const std::string& cell_id,
                                        const std::string& state) {
  if (state == "done")
    return [run = Recorder::run_path(cell_folder), cell_id] { return read_cell_run(run, cell_id); };
  if (const auto journal = newest_file(cell_folder, "journal.log"))
    return [attempt = journal->parent_path()] { return Recorder::so_far(attempt); };
  return {};
}

analysis::RunBasis basis_of(const CellFacts& facts) {
  const std::size_t space = facts.data.find(' ');
  analysis::RunBasis basis;
  basis.model = facts.model;
  basis.corpus = facts.data.substr(0, space);
  if (space != std::string::npos) basis.tokenizer = facts.data.substr(space + 1);
  basis.data = facts.data_sha256;
  // Of a folder that does not say: the same data under the same model were cut alike.
  basis.targets = facts.targets_sha256.empty() ? facts.data_sha256 + " " + facts.model : facts.targets_sha256;
  basis.steps = facts.steps;
  basis.tokens = facts.tokens;
  return basis;
}

/// Digits that no two ids have in common at their beginning, at least those of short_id.
std::size_t unique_digits(const std::vector<Cell>& cells) {
  std::vector<std::string> ids;
  for (const Cell& cell : cells) ids.push_back(cell.id);
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  std::size_t digits = short_id(std::string(64, '0')).size();
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const auto [a, b] = std::ranges::mismatch(ids[i - 1], ids[i]);
    digits = std::max(digits, static_cast<std::size_t>(a - ids[i - 1].begin()) + 1);
  }
  return digits;
}

}  // namespace

std::vector<analysis::LabelledRun> labelled_runs(const Results& results, std::span<const Cell> cells) {
  const std::size_t digits = unique_digits(results.sweep.cells);
  std::vector<analysis::LabelledRun> runs;
  for (const RowOfCell& row : rows_of(cells)) {
    const Cell& cell = *row.cell;
    analysis::LabelledRun run;
    run.label = label_of(row);
    run.label.basis = basis_of(cell.facts);
    if (!cell.plan.empty()) run.label.changed.emplace_back("plan", short_id(cell.plan));
    run.label.short_id = cell.id.substr(0, digits);
    try {
      run.label.state = state_in(results.folder, cell);
      if (run.label.state.name != "unknown")
        run.load = loader(locate(results.folder, cell), cell.id, run.label.state.name);
    } catch (const std::exception& error) {
      if (!core::is_unreadable(error)) throw;
      run.label.state = {"unknown", "cannot tell", error.what()};
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace isorbit::experiments
