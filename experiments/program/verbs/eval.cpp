#include <algorithm>
#include <cmath>
#include <ostream>
#include <sstream>

#include "core/document/json_line.hpp"
#include "core/document/problem.hpp"
#include "experiments/evaluation/cell_evaluation.hpp"
#include "experiments/program/record_arguments.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/file_lock.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments::verb {
namespace {

using core::Json;

struct Request {
  std::vector<std::string> tasks;
  std::size_t limit = kItemLimit;
  Normalization normalization = Normalization::bytes;
  std::filesystem::path data_dir;
};

/// --task a,b and --task c together; all where none is named.
std::vector<std::string> tasks_from(const CommandLine& line) {
  const std::vector<std::string> known = task_names();
  std::vector<std::string> out;
  for (const std::string& given : line.texts("task")) {
    std::istringstream parts(given);
    for (std::string name; std::getline(parts, name, ',');) {
      if (std::ranges::find(known, name) == known.end()) {
        std::string message = "found --task \"" + name + "\"; expected one of ";
        for (const std::string& word : known) message += (word == known.front() ? "" : ", ") + word;
        const auto near = core::nearest(name, known);
        throw UsageError(message + (near ? "; did you mean " + *near + "?" : ""));
      }
      if (std::ranges::find(out, name) == out.end()) out.push_back(name);
    }
  }
  return out.empty() ? known : out;
}

struct CellToEvaluate {
  std::string name;
  std::filesystem::path folder;
  std::string cell_id;  // whose it must be; empty: as its folder says
};

/// The complete cells of a sweep, or one.
std::vector<CellToEvaluate> cells_in(const CommandLine& line, const Results* sweep) {
  const std::filesystem::path path = line.first("folder of a cell or sweep");
  std::vector<CellToEvaluate> out;
  if (sweep == nullptr) return {{path.string(), cell_folder(path), {}}};
  for (const Cell& cell : sweep->sweep.cells) {
    const std::filesystem::path folder = locate(sweep->folder, cell);
    if (std::filesystem::exists(Recorder::run_path(folder)))
      out.push_back({cell.folder.string(), folder, cell.id});
  }
  if (out.empty()) throw std::runtime_error(path.string() + ": no cell of this sweep is complete");
  return out;
}

/// Writes the results into the sealed record of the cell whose weights were evaluated, beside and renamed,
/// while nobody else does.
void record(const std::filesystem::path& folder, const CellWeights& cell,
            const std::vector<TaskResult>& results) {
  const std::optional<FileLock> lock = FileLock::take(folder / "eval.lock");
  if (!lock) throw std::runtime_error(folder.string() + ": another process evaluates this cell");
  core::RunRecord run = read_cell_run(Recorder::run_path(folder), cell.cell_id);
  for (const TaskResult& result : results) replace_result(run, result, cell.step);
  core::write_run(Recorder::run_path(folder), run);
}

Json json_of(const std::string& name, const TaskResult& r, std::int64_t step) {
  return {{"run", name},
          {"task", r.task->name},
          {"step", step},
          {"items", r.items.size()},
          {"correct", r.correct},
          {"accuracy", r.accuracy},
          {"low", r.low},
          {"high", r.high},
          {"chance", r.chance},
          {"majority", r.majority},
          {"normalization", normalization_names()[static_cast<std::size_t>(r.normalization)]}};
}

/// The results of a cell, which are recorded where it is finished, and the step of its weights.
std::pair<std::vector<TaskResult>, std::int64_t> evaluate(Console& console, const CommandLine& line,
                                                          const CellToEvaluate& wanted,
                                                          const Request& request) {
  const std::filesystem::path& folder = wanted.folder;
  const CellWeights cell =
      read_asked(line, [&](core::Seal seal) { return read_cell_weights(folder, wanted.cell_id, seal); });
  const CellEvaluation evaluation(cell.document, request.data_dir, request.tasks);
  const bool finished = std::filesystem::exists(Recorder::run_path(folder));
  bool sealed = true;
  if (finished) {
    const core::RunRecord run = read_record(console, line, Recorder::run_path(folder), cell.cell_id);
    sealed = run.sealed;
    if (run.provenance.at("data_sha256") != evaluation.data_sha256())
      throw std::runtime_error(folder.string() + ": was trained on other data than those in " +
                               request.data_dir.string() + ": its tokens would mean something else");
  }
  std::vector<TaskResult> results = evaluation.run(cell.weights, request.limit, request.normalization);
  if (finished && sealed) record(folder, cell, results);
  return {std::move(results), cell.step};
}

std::string percent(double share) { return fixed(100 * share, 1); }

}  // namespace

int eval(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "eval CELL|DIR [options]",
      "Accuracy on tasks without training: sentences with a gap, of whose completions the likeliest counts\n"
      "as the answer. CELL is the folder of a cell, DIR that of a sweep. The results of finished cells go\n"
      "into their records, as /eval/<task> with a row an item in /eval/<task>/items; not into one that is\n"
      "read --unsealed.");
  line.option("task", "NAME,...", "wordnet_cloze, agreement; all")
      .option("limit", "N", "items of each task, 0 for all; 2000")
      .option("normalize", "bytes|tokens|none", "what log-likelihoods of completions are divided by; bytes")
      .option(
          "data", "DIR",
          "where the corpora are, each a folder with train.txt and valid.txt; else $ISORBIT_DATA, else data")
      .option("json", "", "an object a line, one for each cell and task");
  add_seal_option(line);
  add_all_option(line);
  if (!line.parse(console, arguments)) return 0;
  Request request;
  request.tasks = tasks_from(line);
  request.normalization = normalization_from(line.choice("normalize", normalization_names(), "bytes"));
  if (const auto limit = line.integer("limit", 0)) request.limit = static_cast<std::size_t>(*limit);
  request.data_dir = data_dir_from(line);
  line.at_most(1);
  std::optional<Results> sweep;
  if (std::filesystem::exists(manifest_path(line.first("folder of a cell or sweep"))))
    sweep = results_from(line);
  const std::vector<CellToEvaluate> cells = cells_in(line, sweep ? &*sweep : nullptr);
  TextTable table({"run", "task", "items", "accuracy %", "95 % interval", "chance %", "majority %"});
  bool unread = false;
  for (const CellToEvaluate& cell : cells) {
    try {
      const auto [results, step] = evaluate(console, line, cell, request);
      for (const TaskResult& r : results) {
        if (line.has("json")) console.out << core::json_line(json_of(cell.name, r, step));
        table.add({cell.name, r.task->name, std::to_string(r.items.size()), percent(r.accuracy),
                   percent(r.low) + " to " + percent(r.high), percent(r.chance), percent(r.majority)});
      }
    } catch (const std::exception& error) {
      if (!sweep) throw;
      unread = true;
      console.err << "isorbit: " << cell.name << " is not evaluated: " << error.what() << "\n";
    }
  }
  if (!line.has("json")) console.out << table.text();
  console.out.flush();
  if (sweep) console.err << earlier_text(sweep->folder, sweep->earlier);
  return unread ? 1 : 0;
}

}  // namespace isorbit::experiments::verb
