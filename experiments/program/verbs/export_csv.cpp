#include <cstdlib>
#include <ostream>

#include "analysis/export.hpp"
#include "experiments/program/export_weights.hpp"
#include "experiments/program/labelled_runs.hpp"
#include "experiments/program/output.hpp"
#include "experiments/program/record_arguments.hpp"

namespace isorbit::experiments::verb {

int export_csv(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "export DIR|SWEEP|CELL [options]",
      "Every number of the complete cells as CSV on standard output: losses, measures, events and\n"
      "singular values, each row that was recorded. With --format safetensors the weights of one cell,\n"
      "given by its folder, as Hugging Face's transformers read them: model.safetensors, config.json.");
  line.option("data", "DIR", "where the corpora are; else $ISORBIT_DATA, else data")
      .option("seed", "N", "this seed in place of the sweep's")
      .option("format", "csv|safetensors", "numbers of a sweep, or weights of a cell")
      .option("shape", "long|wide", "a row per value (long), or per step with a column per series (wide)")
      .option(
          "output,o", "PATH",
          "write there: a file, - for standard output, or the folder of weights; else <cell>/hugging_face");
  add_seal_option(line);
  if (!line.parse(console, arguments)) return 0;
  if (line.choice("format", {"csv", "safetensors"}, "csv") == "safetensors") {
    read_asked(line, [&](core::Seal seal) {
      export_weights(console, line.first("folder of a cell"), line.text("output"), seal);
    });
    return 0;
  }
  const bool wide = line.choice("shape", {"long", "wide"}, "long") == "wide";
  const std::filesystem::path first = line.first("sweep document or folder of results");
  std::error_code error;
  Results results;
  if (std::filesystem::is_directory(first, error)) {
    results = results_from(line);
  } else {
    results.sweep = sweep_from(line);
    results.folder = std::filesystem::path("runs") / results.sweep.name;
  }
  const std::vector<analysis::LabelledRun> runs = labelled_runs(results);
  const analysis::CsvShape shape = wide ? analysis::CsvShape::wide : analysis::CsvShape::tall;
  Output output(console, line.text("output").value_or("-"));
  analysis::export_csv(runs, shape, output.stream());
  output.commit();
  for (const analysis::LabelledRun& run : runs)
    if (!run.load)
      console.err << "missing " << run.label.arm << " seed " << run.label.seed << " ("
                  << short_id(run.label.cell_id) << "): not complete\n";
  return 0;
}

}  // namespace isorbit::experiments::verb
