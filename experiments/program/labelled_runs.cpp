#include "experiments/program/labelled_runs.hpp"

#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/cell_identity.hpp"

namespace isorbit::experiments {

std::vector<analysis::LabelledRun> labelled_runs(const Results& results) {
  std::vector<analysis::LabelledRun> runs;
  for (const Cell& cell : results.sweep.cells) {
    analysis::LabelledRun run;
    run.label = {cell.id, cell.arm, {}, cell.seed, cell.facts.unigram_entropy, cell.facts.model};
    for (const Assignment& a : cell.changed) run.label.changed.emplace_back(a.name, value_text(a.value));
    if (!cell.plan.empty()) run.label.changed.emplace_back("plan", short_id(cell.plan));
    const std::filesystem::path folder = locate(results.folder, cell);
    if (is_complete(folder, cell.id))
      run.load = [file = folder / "run.h5", id = cell.id] { return read_cell_run(file, id); };
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace isorbit::experiments
