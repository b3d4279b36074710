#include <algorithm>
#include <array>
#include <functional>
#include <ostream>
#include <set>
#include <sstream>

#include "core/record/durable_file.hpp"
#include "experiments/data/cache_folder.hpp"
#include "experiments/distributed/mpi_ranks.hpp"
#include "experiments/distributed/rank_model.hpp"
#include "experiments/launchers/command.hpp"
#include "experiments/launchers/packing.hpp"
#include "experiments/launchers/sweep_jobs.hpp"
#include "experiments/program/cluster_options.hpp"
#include "experiments/program/warnings.hpp"
#include "experiments/sweep/cost_cache.hpp"
#include "experiments/sweep/forecast.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/freeze.hpp"
#include "experiments/sweep/kept_plans.hpp"
#include "experiments/sweep/runner.hpp"
#include "experiments/sweep/status.hpp"
#include "experiments/sweep/time_left.hpp"

namespace isorbit::experiments::verb {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostRounds = 3;
constexpr double kLeastSeconds = 60;                // of work in a task: starting one costs a few
constexpr std::size_t kDefaultMaxArraySize = 1001;  // Slurm's own, where there is none to ask

/// The tasks of an array are alike: so are the ranks of the cells.
std::int64_t common_ranks(std::span<const Cell> cells) {
  const std::int64_t ranks = ranks_of(cells.front().document);
  const auto other =
      std::ranges::find_if(cells, [&](const Cell& cell) { return ranks_of(cell.document) != ranks; });
  if (other == cells.end()) return ranks;
  const std::string first = std::to_string(ranks), &arm = cells.front().arm;
  throw UsageError("found training.ranks=" + first + ", of " + arm + ", and " +
                   std::to_string(ranks_of(other->document)) + ", of " + other->arm +
                   "; expected one number for all; because the tasks of an array are alike; submit one after "
                   "the other, first --only " +
                   (other->arm == arm ? "training.ranks=" + first : "arm=" + arm));
}

/// What the tasks need besides, where they have ranks; to show them nothing is needed.
void check_mpi(std::int64_t ranks, bool dry, std::ostream& err) {
  if (ranks == 1) return;
  std::string missing;
  if (!has_mpi())
    missing = "found training.ranks=" + std::to_string(ranks) +
              " and a build without MPI; run third_party/install.sh --mpi, configure and build again";
  else if (!has_program("mpirun"))
    missing = "found no mpirun in PATH, which starts the ranks of a task";
  if (missing.empty()) return;
  if (!dry) throw UsageError(missing);
  err << missing << std::endl;
}

/// A cell at work somewhere is missing all the same: should it die there, its task goes on with it.
struct Census {
  std::size_t complete = 0;
  std::vector<const Cell*> missing;
  std::vector<const Cell*> failed;  // would fail again, or start from one that would
};

Census census(std::span<const Cell> cells, const SweepFolder& folder) {
  Census out;
  std::set<std::string> hopeless;
  for (const Cell& cell : cells) {
    if (state_of(folder, cell) == CellState::done) {
      ++out.complete;
      continue;
    }
    const std::optional<Failure> failure = last_failure(folder, cell);
    if (failure && repeats(failure->kind)) hopeless.insert(cell.id);
    out.missing.push_back(&cell);
  }
  const auto is_hopeless = [&](const Cell* cell) {
    return hopeless.contains(cell->id) || (cell->from && hopeless.contains(cell->from->id));
  };
  while (true) {  // what starts from a cell that is given up is given up
    const auto given_up =
        std::stable_partition(out.missing.begin(), out.missing.end(), std::not_fn(is_hopeless));
    if (given_up == out.missing.end()) return out;
    for (auto cell = given_up; cell != out.missing.end(); ++cell)
      hopeless.insert((*cell)->id), out.failed.push_back(*cell);
    out.missing.erase(given_up, out.missing.end());
  }
}

/// The result of `compare` of the sweep that was submitted, whatever the folder's plan is by now, in
/// DIR/compare.txt and as an object a line in DIR/compare.json.
void write_tables(const Console& console, const CommandLine& line, const fs::path& folder) {
  for (const char* extension : {".txt", ".json"}) {
    std::ostringstream out;
    Console into{out, console.err, out, console.screen, false, console.argv};
    std::vector<std::string> arguments = line.positional();
    arguments.push_back("--output=" + folder.string());
    arguments.push_back("--data=" + data_dir_from(line).string());
    if (const auto seed = line.text("seed")) arguments.push_back("--seed=" + *seed);
    if (std::string_view(extension) == ".json") arguments.push_back("--json");
    (void)compare(into, arguments);
    core::write_durably(folder / ("compare" + std::string(extension)), out.str());
  }
}

void refuse_while_queued(const SlurmFolder& folder, std::ostream& err) {
  const std::vector<Submission> submissions = read_submissions(folder);
  if (submissions.empty()) return;
  const std::optional<std::set<std::string>> queued = queued_jobs();
  if (!queued) err << "squeue does not answer: jobs of this sweep may still be in the queue" << std::endl;
  std::string found;
  for (const Submission& s : submissions)
    for (const std::string& id : {s.array, s.finish})
      if (queued && queued->contains(id)) found += (found.empty() ? "" : ", ") + id;
  if (!found.empty())
    throw UsageError("found jobs of this sweep in the queue: " + found + "; expected none; isorbit status " +
                     folder.path.parent_path().string() +
                     " shows how far they are; --force submits all the same");
}

std::string names_of(std::span<const Cell* const> cells) {
  std::string text;
  for (const Cell* cell : cells)
    text += (text.empty() ? "" : ", ") + cell->arm + " seed " + std::to_string(cell->seed) + " (" +
            short_id(cell->id) + ")";
  return text;
}

std::string failed_text(const fs::path& folder, const Cell& cell) {
  const std::optional<Failure> failure = last_failure(folder, cell);
  return "failed " + names_of(std::array{&cell}) + ": " +
         (failure ? failure->reason : "it starts from " + cell.from->text()) + "\n";
}

/// The missing cells that the array had among its own. Throws UsageError when it had one the sweep has not.
std::vector<const Cell*> left_of(const std::string& array, const SlurmFolder& folder,
                                 std::span<const Cell> cells, std::span<const Cell* const> missing) {
  const std::set<std::string> listed = cells_of(folder, array);
  std::set<std::string> known;
  for (const Cell& cell : cells) known.insert(cell.id);
  for (const std::string& id : listed)
    if (!known.contains(id))
      throw UsageError("found no cell " + short_id(id) +
                       " in the sweep; expected the cells that were submitted as job " + array +
                       "; because its documents, or the program, have changed since; submit it again");
  std::vector<const Cell*> out;
  for (const Cell* cell : missing)
    if (listed.contains(cell->id)) out.push_back(cell);
  return out;
}

/// What the job behind the tasks does where there is nothing to submit; its exit code.
int conclude(const Console& console, const CommandLine& line, const Census& now, const fs::path& folder,
             std::span<const Cell> cells, std::span<const Cell* const> left) {
  for (const Cell* cell : now.failed) console.err << failed_text(folder, *cell);
  if (!left.empty()) console.err << "missing " << names_of(left) << "\n";
  if (now.missing.empty()) {
    write_tables(console, line, folder);
    write_forecast_errors(folder, cells);
    console.err << "tables in " << (folder / "compare.txt").string() << " and compare.json" << std::endl;
  }
  return now.missing.empty() && now.failed.empty() ? 0 : 1;
}

SweepJobs jobs_of(const CommandLine& line, const Sweep& sweep, std::span<const Cell> cells,
                  const fs::path& folder) {
  SweepJobs jobs;
  for (const Cell& cell : cells) jobs.task.threads = std::max(jobs.task.threads, threads_of(cell));
  jobs.task.ranks = common_ranks(cells);
  jobs.request = slurm_request_from(line, jobs.task.threads, jobs.task.ranks);
  jobs.folder = {folder / "slurm"};
  jobs.task.sweep = sweep.name;
  jobs.task.restarts = line.integer("restarts", 0).value_or(50);
  jobs.round = line.integer("round", 1).value_or(0) + 1;
  return jobs;
}

/// The copy of the sweep that tasks and the job behind them read. Throws UsageError where a document changed
/// since it was read.
fs::path copy_documents(const SweepRequest& request, std::span<const Cell* const> wanted,
                        const SubmissionFolder& submission) {
  fs::path copy = freeze(request, submission.path, submission.names());
  std::set<std::string> ids;
  for (const Cell& cell : read_sweep({copy, {}, request.data_dir, {}}).cells) ids.insert(cell.id);
  for (const Cell* cell : wanted)
    if (!ids.contains(cell->id))
      throw UsageError("found other cells in " + copy.string() + " than in " + request.file.string() +
                       "; expected the same; because a document has changed just now; submit it again");
  return copy;
}

/// By the seconds they are expected to take: `asked` tasks, else as many as leave each one enough to do.
std::vector<std::vector<const Cell*>> packed(std::span<const Cell* const> wanted, const Forecast& forecast,
                                             std::optional<std::int64_t> asked, std::size_t most) {
  double seconds = 0;
  for (const Cell* cell : wanted) seconds += forecast.seconds_of(*cell);
  const auto worth = static_cast<std::int64_t>(std::clamp(seconds / kLeastSeconds, 1.0, 1e9));
  return pack(
      wanted, [&](const Cell& cell) { return forecast.seconds_of(cell); },
      std::min(static_cast<std::size_t>(asked.value_or(worth)), most));
}

/// What the cluster takes as one array; to show it, what clusters take as a rule will do.
std::size_t most_tasks(std::ostream& err, bool has_slurm, bool dry) {
  try {
    if (has_slurm) return max_array_size();
  } catch (const SlurmRefusal& refusal) {
    if (!dry) throw UsageError(refusal.what());
    err << refusal.what() << std::endl;
  }
  return kDefaultMaxArraySize;
}

/// Packs the cells into the tasks of `jobs` and submits them, or shows what would be submitted.
void submit_or_show(Console& console, const CommandLine& line, const Sweep& sweep,
                    std::span<const Cell* const> wanted, SweepJobs& jobs) {
  const bool has_slurm = has_program("sbatch") && has_program("scontrol");
  if (!has_slurm && !line.has("dry-run"))
    throw UsageError(
        "found no sbatch and scontrol in PATH; expected the commands of Slurm; run this on a login node of "
        "the cluster, or on this machine: isorbit run " +
        shell_word(line.first("sweep document")) + " --jobs auto");
  if (!line.has("force") && jobs.round == 1 && has_slurm) refuse_while_queued(jobs.folder, console.err);
  const std::size_t most = most_tasks(console.err, has_slurm, line.has("dry-run"));
  const bool dry = line.has("dry-run");
  check_mpi(jobs.task.ranks, dry, console.err);
  std::vector<Cell> cells;
  for (const Cell* cell : wanted) cells.push_back(*cell);
  const Forecast forecast(cells, {0, cache_folder()});
  jobs.tasks = packed(wanted, forecast, line.integer("tasks", 1), most);
  const fs::path folder = jobs.folder.path.parent_path();
  const SweepRequest request = sweep_request_from(line);
  jobs.submission = dry ? next_submission(jobs.folder) : new_submission(jobs.folder);
  const fs::path copy = dry ? frozen_sweep(request, jobs.submission.path, jobs.submission.names())
                            : copy_documents(request, wanted, jobs.submission);
  jobs.task.command = words_for_task(line, copy, folder);
  jobs.finish = words_for_finish(line, copy, folder);
  if (dry) {
    console.out << preview(jobs);
    return;
  }
  begin_plan(folder, sweep, request);
  write_expected(folder, cells, forecast);
  try {
    const Submission made = submit_jobs(jobs);
    console.err << "submitted " << made.cells << (made.cells == 1 ? " cell as " : " cells as ") << made.tasks
                << (made.tasks == 1 ? " task: array job " : " tasks: array job ") << made.array << ", job "
                << made.finish << " behind it; documents and scripts in " << jobs.submission.path.string()
                << std::endl;
  } catch (const SlurmRefusal& refusal) {
    throw UsageError(refusal.what());
  }
}

}  // namespace

int submit(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "submit SWEEP --time T [name=value ...] [options]",
      "Runs the missing cells of a sweep on a Slurm cluster: an array job whose tasks go on after their\n"
      "time limit, and a job behind it that submits once more what is missing (three rounds at most) and\n"
      "writes compare.txt and compare.json when all is complete. Checks the whole sweep first, and copies\n"
      "its documents: what waits in the queue does not see later edits. Scripts, job ids and logs are in\n"
      "DIR/slurm. Cells with ranks are started by mpirun. Cancel with scancel --name=isorbit-NAME.");
  add_cluster_options(line);
  add_strict_option(line);
  if (!line.parse(console, arguments)) return 0;
  const Sweep sweep = sweep_from(line);
  say_warnings(console, line, sweep);
  const std::vector<Cell> cells = select(sweep, selection_from(line));
  const fs::path folder = fs::absolute(folder_for(line, sweep));
  check_sources(cells, [&](const Cell& cell) { return has_source(folder, cell); });
  check_data(folder, sweep);
  SweepJobs jobs = jobs_of(line, sweep, cells, folder);
  const Census now = census(cells, folder);
  console.err << now.complete << " of " << cells.size() << " cells complete in " << folder.string()
              << std::endl;
  std::vector<const Cell*> wanted = now.missing;
  if (const auto after = line.text("after")) {
    wanted = left_of(*after, jobs.folder, cells, wanted);
    const bool cancelled = was_cancelled(*after);
    if (cancelled)
      console.err << "tasks of job " << *after << " were cancelled: nothing more is submitted" << std::endl;
    if (cancelled || wanted.empty() || jobs.round > kMostRounds)
      return conclude(console, line, now, folder, cells, wanted);
  } else if (wanted.empty()) {
    for (const Cell* cell : now.failed) console.err << failed_text(folder, *cell);
    console.err << "nothing to submit"
                << (now.failed.empty() ? "" : "; isorbit retry SWEEP --failed runs again what failed")
                << std::endl;
    return now.failed.empty() ? 0 : 1;
  }
  submit_or_show(console, line, sweep, wanted, jobs);
  return 0;
}

}  // namespace isorbit::experiments::verb
