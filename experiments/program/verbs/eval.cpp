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

/// The folders of the complete cells of a sweep, or of one cell, by what they are called.
std::vector<std::pair<std::string, std::filesystem::path>> cells_in(const std::filesystem::path& path) {
  std::error_code error;
  std::vector<std::pair<std::string, std::filesystem::path>> out;
  if (!std::filesystem::exists(path / "plan.json", error)) return {{path.string(), cell_folder(path)}};
  for (const Cell& cell : read_manifest(path).cells) {
    const std::filesystem::path folder = locate(path, cell);
    if (std::filesystem::exists(Recorder::run_path(folder), error))
      out.emplace_back(cell.folder.string(), folder);
  }
  if (out.empty()) throw std::runtime_error(path.string() + ": no cell of this sweep is complete");
  return out;
}

/// Writes the results into the sealed record, beside and renamed, while nobody else does.
void record(const std::filesystem::path& folder, const std::vector<TaskResult>& results, std::int64_t step) {
  const std::optional<FileLock> lock = FileLock::take(folder / "eval.lock");
  if (!lock) throw std::runtime_error(folder.string() + ": another process evaluates this cell");
  core::RunRecord run = core::read_run(Recorder::run_path(folder));
  for (const TaskResult& result : results) replace_result(run, result, step);
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
      .option("data", "DIR", "where the corpora are; else $ISORBIT_DATA, else data")
      .option("json", "", "an object a line, one for each cell and task");
  add_seal_option(line);
  if (!line.parse(console, arguments)) return 0;
  Request request;
  request.tasks = tasks_from(line);
  request.normalization = normalization_from(line.choice("normalize", normalization_names(), "bytes"));
  if (const auto limit = line.integer("limit", 0)) request.limit = static_cast<std::size_t>(*limit);
  request.data_dir = data_dir_from(line);
  const auto cells = cells_in(line.first("folder of a cell or sweep"));
  line.at_most(1);
  TextTable table({"run", "task", "items", "accuracy %", "95 % interval", "chance %", "majority %"});
  for (const auto& [name, folder] : cells) {
    const CellWeights cell =
        read_asked(line, [&](core::Seal seal) { return read_cell_weights(folder, seal); });
    const CellEvaluation evaluation(cell.document, request.data_dir, request.tasks);
    const bool finished = std::filesystem::exists(Recorder::run_path(folder));
    bool sealed = true;
    if (finished) {
      const core::RunRecord run = read_record(console, line, Recorder::run_path(folder));
      sealed = run.sealed;
      if (run.provenance.at("data_sha256") != evaluation.data_sha256())
        throw std::runtime_error(folder.string() + ": was trained on other data than those in " +
                                 request.data_dir.string() + ": its tokens would mean something else");
    }
    const std::vector<TaskResult> results =
        evaluation.run(cell.weights, request.limit, request.normalization);
    if (finished && sealed) record(folder, results, cell.step);
    for (const TaskResult& r : results) {
      if (line.has("json")) console.out << core::json_line(json_of(name, r, cell.step));
      table.add({name, r.task->name, std::to_string(r.items.size()), percent(r.accuracy),
                 percent(r.low) + " to " + percent(r.high), percent(r.chance), percent(r.majority)});
    }
  }
  if (!line.has("json")) console.out << table.text();
  return 0;
}

}  // namespace isorbit::experiments::verb
