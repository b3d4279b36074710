#include "experiments/sweep/rows.hpp"

#include <algorithm>
#include <map>

#include "analysis/same_run.hpp"

namespace isorbit::experiments {
namespace {

const std::string& run_of(const Cell& cell) { return cell.run.empty() ? cell.id : cell.run; }

}  // namespace

std::vector<RowOfCell> rows_of(std::span<const Cell> cells) {
  std::vector<RowOfCell> rows;
  for (const Cell& cell : cells) {
    rows.push_back({&cell, &cell.arm, &cell.changed, cell.place});
    for (const Row& row : cell.also) rows.push_back({&cell, &row.arm, &row.changed, row.place});
  }
  std::ranges::stable_sort(rows, {}, &RowOfCell::place);
  return rows;
}

analysis::RunLabel label_of(const RowOfCell& row) {
  const Cell& cell = *row.cell;
  analysis::RunLabel label = {cell.id, *row.arm, {}, cell.seed, cell.facts.unigram_entropy};
  label.run = cell.run;
  label.idle = cell.idle;
  for (const Assignment& a : *row.changed) label.changed.emplace_back(a.name, value_text(a.value));
  return label;
}

std::vector<SameRun> same_runs(std::span<const RowOfCell> rows) {
  std::map<std::string, const RowOfCell*> first;
  for (const RowOfCell& row : rows) {
    const RowOfCell*& kept = first[run_of(*row.cell)];
    if (kept == nullptr || row.cell->idle.size() < kept->cell->idle.size()) kept = &row;
  }
  std::vector<SameRun> all;
  for (const RowOfCell& row : rows) {
    const RowOfCell* other = first.at(run_of(*row.cell));
    if (other == &row)
      all.emplace_back();
    else
      all.push_back({other, analysis::same_run_text(label_of(row), label_of(*other))});
  }
  return all;
}

void find_same_arms(const core::Document& document, std::span<const Cell> cells,
                    std::vector<core::Problem>& warnings) {
  const std::vector<RowOfCell> rows = rows_of(cells);
  const std::vector<SameRun> same = same_runs(rows);
  std::vector<std::pair<std::string, const SameRun*>>
      arms;  // with the first of its runs; null: it has its own
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool own = same[i].other == nullptr || *same[i].other->arm == *rows[i].arm;
    auto at = std::ranges::find(arms, *rows[i].arm, &std::pair<std::string, const SameRun*>::first);
    if (at == arms.end()) at = arms.insert(at, {*rows[i].arm, &same[i]});
    if (own) at->second = nullptr;
  }
  for (const auto& [arm, of] : arms) {
    const std::string pointer = core::pointer_join("/arms", arm);
    if (of == nullptr || !document.root.contains(core::Json::json_pointer(pointer))) continue;
    warnings.push_back({document.file, document.key_position(pointer), pointer,
                        "arm " + core::shown(core::Json(arm)), "runs that no other arm has",
                        "it is the " + of->text, ""});
  }
}

}  // namespace isorbit::experiments
