#include <cstdlib>
#include <fstream>
#include <ostream>

#include "analysis/export.hpp"
#include "core/record/durable_file.hpp"
#include "experiments/program/export_weights.hpp"
#include "experiments/program/labelled_runs.hpp"

namespace isorbit::experiments::verb {
namespace {

/// Written beside and renamed, so that a plot never reads half a file.
void write_file(const std::filesystem::path& file, std::span<const analysis::LabelledRun> runs,
                analysis::CsvShape shape) {
  const std::filesystem::path part = core::part_of(file);
  std::ofstream out(part, std::ios::binary);
  if (!out) throw std::runtime_error("cannot write " + part.string());
  analysis::export_csv(runs, shape, out);
  out.close();
  if (!out) throw std::runtime_error("cannot write " + part.string() + ": the disk may be full");
  core::publish(part, file);
}

}  // namespace

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
      .option("output,o", "PATH", "write there: a file, or the folder of weights; else <cell>/hugging_face");
  add_all_option(line);
  if (!line.parse(console, arguments)) return 0;
  if (line.choice("format", {"csv", "safetensors"}, "csv") == "safetensors") {
    export_weights(console, line.first("folder of a cell"), line.text("output"));
    return 0;
  }
  const bool wide = line.choice("shape", {"long", "wide"}, "long") == "wide";
  const Results results = results_from(line, "results");
  const std::vector<analysis::LabelledRun> runs = labelled_runs(results);
  const analysis::CsvShape shape = wide ? analysis::CsvShape::wide : analysis::CsvShape::tall;
  if (const auto file = line.text("output"))
    write_file(*file, runs, shape);
  else
    analysis::export_csv(runs, shape, console.out);
  for (const analysis::LabelledRun& run : runs)
    if (!run.load)
      console.err << "missing " << run.label.arm << " seed " << run.label.seed << " ("
                  << short_id(run.label.cell_id) << "): not complete\n";
  console.err << earlier_text(results.folder, results.earlier);
  return 0;
}

}  // namespace isorbit::experiments::verb
