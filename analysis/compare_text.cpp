// The comparison as an aligned table with its sentences.
#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/compare.hpp"
#include "analysis/text.hpp"
#include "core/document/json_line.hpp"

namespace isorbit::analysis {
namespace {

constexpr std::size_t kShownReasons = 3;

std::string number_text(double value, const char* format = "%.4f") {
  return std::isnan(value) ? "nan" : fixed(value, format);
}

std::string name_of(const RunLabel& label) {
  const std::string changed = changed_text(label.changed);
  return label.arm + (changed.empty() ? "" : " " + changed) + " seed " + std::to_string(label.seed) + " (" +
         label.cell_id.substr(0, 8) + ")";
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

/// Whether the sentence that two arms are one run stands in place of their difference, which is 0.
bool says_why(const CompareRow& row) {
  return !row.same_as.empty() && !row.same_document && row.difference && row.difference->difference == 0;
}

/// The difference and what belongs to it: difference, sd, p, pairs.
std::vector<std::string> difference_cells(const CompareRow& row) {
  if (row.is_reference) return {"baseline", "", "", ""};
  if (!row.difference) return {row.no_difference, "", "", ""};
  const Comparison& d = *row.difference;
  if (says_why(row)) return {row.same_as, "", "", ""};
  const std::string pairs =
      std::to_string(d.n) + (d.n < row.pairs_planned ? " of " + std::to_string(row.pairs_planned) : "");
  return {number_text(d.difference, "%+.4f"), fixed(row.difference_deviation), p_text(row.p_adjusted), pairs};
}

std::vector<std::string> cells_of(const CompareRow& row, bool survivors) {
  std::vector<std::string> cells = {row.arm, changed_text(row.changed)};
  for (std::size_t s = 0; s < row.values.size(); ++s)
    cells.push_back(row.values[s] ? number_text(*row.values[s]) : row.instead[s]);
  const bool complete = is_complete(row);
  cells.push_back(survivors && !complete ? seeds_text(row) : "");
  if (complete || (survivors && row.summary.n > 0))
    cells.push_back(number_text(row.summary.mean));
  else
    cells.push_back(seeds_text(row));
  cells.push_back(fixed(row.summary.standard_deviation));
  cells.push_back(fixed(row.perplexity, "%.3f"));
  for (std::string& cell : difference_cells(row)) cells.push_back(std::move(cell));
  std::vector<std::string> notes = row.notes;
  if (!row.same_as.empty() && !says_why(row)) notes.insert(notes.begin(), row.same_as);
  cells.push_back(joined(notes, "; "));
  return cells;
}

bool has_p(const CompareTable& table) {
  return std::ranges::any_of(table.rows, [](const CompareRow& row) { return !std::isnan(row.p_adjusted); });
}

/// Differences without a p for having few pairs.
bool has_few_pairs(const CompareTable& table) {
  return std::ranges::any_of(
      table.rows, [](const CompareRow& row) { return row.difference && row.difference->n < kLeastPairs; });
}

/// What was chosen on the seeds that it is compared on.
std::vector<std::string> choices(const CompareTable& table) {
  std::vector<std::string> lines;
  for (const CompareRow& row : table.rows) {
    if (!row.is_reference || row.best_of < 2) continue;
    std::vector<std::string> names;
    for (const std::string& name : row.tuned) names.push_back(name.substr(name.find('.') + 1));
    std::string line = row.arm + ": the best of " + std::to_string(row.best_of) + " values of " +
                       joined(names, " and ") + ", chosen on the same seeds";
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string heading(const CompareTable& table) {
  std::string text = "last " + table.options.metric + (table.options.minimize ? ", lower" : ", higher") +
                     " is better; difference to " + table.options.baseline + " paired by seed";
  if (has_p(table)) text += ", p of the two-sided paired t test";
  if (table.tests > 1)
    text += ", adjusted by Holm for the " + std::to_string(table.tests) + " tests of this table";
  for (const std::string& line : choices(table)) text += "\n" + line;
  if (table.options.survivors && !table.missing.empty())
    text += "\nsurvivors, as asked for: where seeds are missing, those that are left are a selected set";
  return text + "\n\n";
}

std::string body(const CompareTable& table) {
  std::vector<std::string> header = {"arm", "changed"};
  for (const std::int64_t seed : table.seeds) header.push_back("seed " + std::to_string(seed));
  header.insert(header.end(),
                {"seeds", "mean", "sd", "perplexity", "difference", "sd", "p", "pairs", "note"});
  std::vector<std::vector<std::string>> rows = {header};
  for (const CompareRow& row : table.rows) rows.push_back(cells_of(row, table.options.survivors));
  const std::size_t behind = 2 + table.seeds.size();
  const auto leave_out = [&](std::size_t column) {
    for (auto& row : rows) row[column].clear();
  };
  const auto says_nothing = [&](std::size_t column) {
    return std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) { return row[column].empty(); });
  };
  for (const std::size_t column : {std::size_t{1}, behind, behind + 8})
    if (says_nothing(column)) leave_out(column);
  if (!table.options.metric.ends_with("/loss")) leave_out(behind + 3);
  if (!has_p(table)) leave_out(behind + 6);
  return aligned(rows, 2, 1);
}

std::string sentences(const CompareTable& table) {
  std::string text;
  const std::string least = std::to_string(kLeastPairs) + " pairs of seeds on\n";
  if (has_few_pairs(table)) text += (has_p(table) ? "p is given from " : "no p: it is given from ") + least;
  const bool any = std::ranges::any_of(table.rows, [](const auto& row) { return !is_complete(row); });
  if (any && !table.options.survivors)
    text += "no mean and no difference where seeds are missing; --survivors takes those that are left\n";
  std::map<double, std::string> entropies;
  for (const CompareRow& row : table.rows)
    if (row.unigram_entropy)
      entropies.try_emplace(*row.unigram_entropy, row.basis.corpus + " " + row.basis.tokenizer);
  for (const auto& [entropy, data] : entropies)
    text += "unigram entropy " + fixed(entropy) + " nats" + (entropies.size() > 1 ? " of " + data : "") +
            ": the loss of the best model that ignores its input\n";
  return text.empty() ? text : "\n" + text;
}

std::string line_of(const MissingRun& run) {
  return "missing " + name_of(run.label) + ": " + run.instead +
         (run.reason.empty() ? "" : ": " + run.reason) + "\n";
}

std::string counts(const CompareTable& table) {
  std::vector<std::pair<std::string, std::string>> happened;
  for (const MissingRun& run : table.missing) happened.emplace_back(run.label.arm, run.instead);
  return std::to_string(table.missing.size()) + " of " + std::to_string(table.runs) +
         " cells have no value: " + counts_text(happened) + " (--missing names each)\n";
}

std::string missing_text(const CompareTable& table, bool each) {
  if (table.missing.empty()) return {};
  std::string text = each ? "\n" : "\n" + counts(table);
  std::size_t shown = 0;
  for (const MissingRun& run : table.missing)
    if (each || ((run.unknown || run.instead == "damaged") && ++shown <= kShownReasons)) text += line_of(run);
  return text;
}

}  // namespace

std::string compare_text(const CompareTable& table, bool each) {
  if (table.rows.empty()) return "no runs\n";
  return heading(table) + body(table) + sentences(table) + missing_text(table, each);
}

}  // namespace isorbit::analysis
