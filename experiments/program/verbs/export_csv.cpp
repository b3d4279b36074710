#include <ostream>

#include "analysis/export.hpp"
#include "analysis/text.hpp"
#include "core/document/json.hpp"
#include "core/document/spec.hpp"
#include "experiments/program/export_weights.hpp"
#include "experiments/program/labelled_runs.hpp"
#include "experiments/program/output.hpp"
#include "experiments/program/record_arguments.hpp"

namespace isorbit::experiments::verb {
namespace {

using analysis::Exported;
using analysis::LabelledRun;

/// Refuses a pattern that no series fits, before anything stands anywhere.
Exported written(std::span<const LabelledRun> runs, const analysis::ExportOptions& options,
                 std::ostream& out) {
  Exported exported = analysis::export_csv(runs, options, out);
  if (exported.series.empty()) return exported;
  throw UsageError("found --series " + core::shown(core::Json(options.series)) + "; expected " +
                   core::expectation(core::Spec::text().one_of(exported.series)) + ", or a pattern of them");
}

analysis::ExportOptions options_from(const CommandLine& line) {
  using analysis::CsvTable;
  const std::string table = line.choice("table", {"values", "events", "texts"}, "values");
  analysis::ExportOptions options;
  options.series = line.text("series").value_or("*");
  options.spreadsheet = line.has("spreadsheet");
  const bool wide = line.choice("shape", {"long", "wide"}, "long") == "wide";
  if (table == "values") options.table = wide ? CsvTable::steps : CsvTable::values;
  if (table == "events") options.table = CsvTable::events;
  if (table == "texts") options.table = CsvTable::texts;
  if (table == "values") return options;
  for (const char* name : {"shape", "series"})
    if (line.has(name))
      throw UsageError("found --" + std::string(name) + " with --table " + table +
                       "; expected it with the table of values, which has series");
  return options;
}

/// What is not whole, or not there at all. Whether something could not be read.
bool tell(std::span<const LabelledRun> runs, const Exported& exported, std::ostream& err) {
  std::vector<std::pair<std::string, std::string>> happened;
  for (const LabelledRun& run : runs)
    if (run.label.state.name != "done") happened.emplace_back(run.label.arm, run.label.state.happened);
  if (!happened.empty())
    err << happened.size() << " of " << runs.size()
        << " cells are not complete: " << analysis::counts_text(happened) << "\n";
  bool unread = !exported.unread.empty();
  const auto name = [](const analysis::RunLabel& label) {
    return label.arm + " seed " + std::to_string(label.seed) + " (" + label.short_id + ")";
  };
  for (const Exported::Unread& run : exported.unread)
    err << "not exported: " << name(run.label) << ": " << run.reason << "\n";
  for (const LabelledRun& run : runs) {
    if (run.label.state.name != "unknown") continue;
    unread = true;
    err << "not exported: " << name(run.label) << ": " << run.label.state.reason << "\n";
  }
  return unread;
}

}  // namespace

int export_csv(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "export DIR|SWEEP|CELL [options]",
      "Everything that was recorded, as CSV on standard output: a row a number (long) or a step (wide), or\n"
      "with --table events a row a merge or rescale. Cells that are not complete have theirs too, and\n"
      "every row says the state of its cell; arms of one document have the same rows. With --format\n"
      "safetensors the weights of one cell, given by its folder, as Hugging Face's transformers read them:\n"
      "model.safetensors, config.json.");
  line.option(
          "data", "DIR",
          "where the corpora are, each a folder with train.txt and valid.txt; else $ISORBIT_DATA, else data")
      .option("seed", "N", "this seed in place of the sweep's")
      .option("format", "csv|safetensors", "numbers of a sweep, or weights of a cell")
      .option("shape", "long|wide", "a row per value (long), or per step with a column per series (wide)")
      .option("table", "values|events|texts", "numbers, events, or texts such as the items of a task")
      .option("series", "GLOB", "these series: train/loss, 'measure/*/stable_rank', 'spectrum/*'")
      .option("spreadsheet", "", "texts that a spreadsheet would run (=, +, -, @) as texts for it")
      .option(
          "output,o", "PATH",
          "write there: a file, - for standard output, or the folder of weights; else <cell>/hugging_face");
  add_selection_options(line);
  add_seal_option(line);
  add_all_option(line);
  if (!line.parse(console, arguments)) return 0;
  if (line.choice("format", {"csv", "safetensors"}, "csv") == "safetensors") {
    read_asked(line, [&](core::Seal seal) {
      export_weights(console, line.first("folder of a cell"), line.text("output"), seal);
    });
    return 0;
  }
  const analysis::ExportOptions options = options_from(line);
  const Results results = results_from(line, "results");
  const std::vector<LabelledRun> runs = labelled_runs(results, select(results.sweep, selection_from(line)));
  Output output(console, line.text("output").value_or("-"));
  const Exported exported = written(runs, options, output.stream());
  output.commit();
  console.err << earlier_text(results.folder, results.earlier);
  return tell(runs, exported, console.err) ? 1 : 0;
}

}  // namespace isorbit::experiments::verb
