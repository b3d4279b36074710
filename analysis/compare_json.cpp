// The comparison as an object a line.
#include "analysis/compare.hpp"
#include "analysis/text.hpp"

namespace isorbit::analysis {
namespace {

using core::Json;

Json row_json(const CompareTable& table, const CompareRow& row) {
  Json line = label_json(row.arm, row.changed);
  line["metric"] = table.options.metric;
  line["goal"] = table.options.minimize ? "minimize" : "maximize";
  line["baseline"] = row.is_reference;
  line["seeds"] = table.seeds;
  line["states"] = row.states;
  line["values"] = line["instead"] = Json::array();
  for (std::size_t s = 0; s < row.values.size(); ++s) {
    line["values"].push_back(row.values[s] ? number(*row.values[s]) : Json());
    line["instead"].push_back(row.values[s] ? Json() : Json(row.instead[s]));
  }
  line["n"] = row.summary.n;
  line["cells"] = row.cells;
  line["survivors"] = table.options.survivors;
  line["mean"] = number(row.summary.mean);
  line["standard_deviation"] = number(row.summary.standard_deviation);
  line["perplexity"] = number(row.perplexity);
  line["notes"] = row.notes;
  if (!row.same_as.empty()) line["same_as"] = row.same_as;
  if (row.is_reference && row.best_of > 1) {
    line["best_of"] = row.best_of;
    line["tuned"] = row.tuned;
    line["chosen_on"] = "the same seeds";
  }
  if (row.difference) {
    add_paired(line, {*row.difference, row.difference_deviation}, row.p_adjusted);
    line["pairs_planned"] = row.pairs_planned;
    line["adjustment"] = "holm";
    line["tests"] = table.tests;
  } else if (!row.is_reference) {
    line["no_difference"] = row.no_difference;
  }
  if (row.unigram_entropy) line["unigram_entropy"] = *row.unigram_entropy;
  return line;
}

Json missing_json(const MissingRun& run) {
  Json line = label_json(run.label.arm, run.label.changed);
  line["seed"] = run.label.seed;
  line["cell_id"] = run.label.cell_id;
  line["state"] = run.label.state.name;
  line["missing"] = run.instead;
  line["reason"] = run.reason;
  return line;
}

std::string text_of(const Json& line) {
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void add_paired(Json& line, const Paired& pair, double p_adjusted) {
  line["difference"] = number(pair.comparison.difference);
  line["difference_deviation"] = number(pair.deviation);
  line["p_value"] = number(pair.comparison.p_value);
  line["p_adjusted"] = number(p_adjusted);
  line["low"] = number(pair.comparison.low);
  line["high"] = number(pair.comparison.high);
  line["pairs"] = pair.comparison.n;
}

std::string compare_json(const CompareTable& table) {
  std::string text;
  for (const CompareRow& row : table.rows) text += text_of(row_json(table, row));
  for (const MissingRun& run : table.missing) text += text_of(missing_json(run));
  return text;
}

}  // namespace isorbit::analysis
