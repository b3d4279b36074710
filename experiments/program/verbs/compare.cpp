#include <algorithm>
#include <ostream>

#include "analysis/controls.hpp"
#include "core/document/problem.hpp"
#include "experiments/program/labelled_runs.hpp"
#include "experiments/sweep/rows.hpp"

namespace isorbit::experiments::verb {
namespace {

std::string baseline_of(const CommandLine& line, const Sweep& sweep) {
  const std::string baseline = line.text("baseline").value_or(sweep.baseline);
  std::vector<std::string> arms;
  for (const RowOfCell& row : rows_of(sweep.cells))
    if (std::find(arms.begin(), arms.end(), *row.arm) == arms.end()) arms.push_back(*row.arm);
  return line.has("baseline") ? line.choice("baseline", arms, baseline) : baseline;
}

}  // namespace

int compare(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "compare DIR|SWEEP [name=value ...] [options]",
      "The last value of the sweep's metric for every arm and seed, means, and differences to the\n"
      "baseline paired by seed; whether the gain of an arm with a control is more than the control's.\n"
      "Where a cell has no value stands what happened to it; such an arm has no mean. There is no p below\n"
      "five pairs, several are adjusted by Holm, and values on other data are not subtracted.");
  add_sweep_options(line);
  add_all_option(line);
  line.option("json", "",
              "an object a line: a row has seeds, values, states, instead, n, cells, mean, notes, and "
              "difference, "
              "p_value, p_adjusted, pairs or no_difference; then each cell without a value, missing")
      .option("survivors", "", "means and differences of the seeds there are, where some are missing")
      .option("missing", "", "a line for each cell without a value")
      .option("baseline", "ARM", "another baseline than the sweep's")
      .option("metric", "SERIES/COLUMN", "another metric than the sweep's, such as train/loss");
  if (!line.parse(console, arguments)) return 0;
  const Results results = results_from(line);
  analysis::CompareOptions options{results.sweep.metric, results.sweep.minimize,
                                   baseline_of(line, results.sweep), line.has("survivors")};
  if (const auto metric = line.text("metric")) {
    if (metric->find('/') == std::string::npos)
      throw UsageError("found --metric \"" + *metric + "\"; expected SERIES/COLUMN, such as valid/loss");
    options.metric = *metric;
    options.minimize = !metric->ends_with("/accuracy");
  }
  const analysis::CompareTable table =
      analysis::compare(labelled_runs(results, results.sweep.cells), options);
  const auto controls = analysis::compare_controls(table, results.sweep.controls);
  if (line.has("json"))
    console.out << analysis::compare_json(table) << analysis::controls_json(controls);
  else
    console.out << analysis::compare_text(table, line.has("missing")) << (controls.empty() ? "" : "\n")
                << analysis::controls_text(controls);
  console.out.flush();
  console.err << earlier_text(results.folder, results.earlier);
  return table.is_unknown() ? 1 : 0;
}

}  // namespace isorbit::experiments::verb
