// The comparison as an aligned table, and as an object a line.
#include <algorithm>
#include <cmath>

#include "analysis/compare.hpp"
#include "analysis/text.hpp"
#include "core/document/json_line.hpp"

namespace isorbit::analysis {
namespace {

using core::Json;

std::string value_text(const std::optional<double>& value) {
  if (!value) return "missing";
  return std::isnan(*value) ? "nan" : fixed(*value);
}

std::string name_of(const RunLabel& label) {
  const std::string changed = changed_text(label.changed);
  return label.arm + (changed.empty() ? "" : " " + changed) + " seed " + std::to_string(label.seed) + " (" +
         label.cell_id.substr(0, 8) + ")";
}

std::vector<std::string> cells_of(const CompareRow& row) {
  std::vector<std::string> cells = {row.arm, changed_text(row.changed)};
  for (const auto& value : row.values) cells.push_back(value_text(value));
  const bool nothing = row.summary.n == 0;
  cells.push_back(!nothing && std::isnan(row.summary.mean) ? "nan" : fixed(row.summary.mean));
  cells.push_back(fixed(row.summary.standard_deviation));
  cells.push_back(fixed(row.perplexity, "%.3f"));
  if (row.is_reference) {
    cells.insert(cells.end(), {"baseline", "", "", ""});
  } else if (row.difference) {
    cells.push_back(std::isnan(row.difference->difference) ? "nan"
                                                           : fixed(row.difference->difference, "%+.4f"));
    cells.push_back(fixed(row.difference_deviation));
    cells.push_back(p_text(row.difference->p_value));
    cells.push_back(std::to_string(row.difference->n));
  } else {
    cells.insert(cells.end(), {row.other_model ? "another model" : "-", "-", "-", "0"});
  }
  return cells;
}

}  // namespace

std::string compare_text(const CompareTable& table) {
  if (table.rows.empty()) return "no runs\n";
  std::vector<std::string> header = {"arm", "changed"};
  for (const std::int64_t seed : table.seeds) header.push_back("seed " + std::to_string(seed));
  if (std::all_of(table.rows.begin(), table.rows.end(),
                  [](const CompareRow& row) { return row.changed.empty(); }))
    header[1].clear();
  const bool perplexity = table.options.metric.ends_with("/loss");
  header.insert(header.end(),
                {"mean", "sd", perplexity ? "perplexity" : "", "difference", "sd", "p", "pairs"});
  std::vector<std::vector<std::string>> rows = {header};
  for (const CompareRow& row : table.rows) {
    rows.push_back(cells_of(row));
    if (!perplexity) rows.back()[table.seeds.size() + 4].clear();
  }
  std::string text = "last " + table.options.metric + (table.options.minimize ? ", lower" : ", higher") +
                     " is better; difference to " + table.options.baseline +
                     " paired by seed, p of the two-sided paired t test\n\n" + aligned(rows, 2);
  std::vector<double> entropies;
  for (const CompareRow& row : table.rows)
    if (row.unigram_entropy &&
        std::find(entropies.begin(), entropies.end(), *row.unigram_entropy) == entropies.end())
      entropies.push_back(*row.unigram_entropy);
  if (!entropies.empty()) text += "\n";
  for (const double entropy : entropies)
    text +=
        "unigram entropy " + fixed(entropy) + " nats: the loss of the best model that ignores its input\n";
  if (!table.missing.empty()) text += "\n";
  for (const MissingRun& run : table.missing)
    text += "missing " + name_of(run.label) + ": " + run.reason + "\n";
  return text;
}

void add_paired(Json& line, const Paired& pair) {
  line["difference"] = number(pair.comparison.difference);
  line["difference_deviation"] = number(pair.deviation);
  line["p_value"] = number(pair.comparison.p_value);
  line["low"] = number(pair.comparison.low);
  line["high"] = number(pair.comparison.high);
  line["pairs"] = pair.comparison.n;
}

std::string compare_json(const CompareTable& table) {
  std::string text;
  for (const CompareRow& row : table.rows) {
    Json line = label_json(row.arm, row.changed);
    line["metric"] = table.options.metric;
    line["seeds"] = table.seeds;
    line["values"] = Json::array();
    for (const auto& value : row.values) line["values"].push_back(value ? number(*value) : Json());
    line["n"] = row.summary.n;
    line["mean"] = number(row.summary.mean);
    line["standard_deviation"] = number(row.summary.standard_deviation);
    line["perplexity"] = number(row.perplexity);
    line["baseline"] = row.is_reference;
    if (row.other_model) line["other_model"] = true;
    if (row.difference) add_paired(line, {*row.difference, row.difference_deviation});
    if (row.unigram_entropy) line["unigram_entropy"] = *row.unigram_entropy;
    text += core::json_line(line);
  }
  for (const MissingRun& run : table.missing) {
    Json line = label_json(run.label.arm, run.label.changed);
    line["seed"] = run.label.seed;
    line["cell_id"] = run.label.cell_id;
    line["missing"] = run.reason;
    text += core::json_line(line);
  }
  return text;
}

}  // namespace isorbit::analysis
