#include "experiments/launchers/sweep_jobs.hpp"

#include "core/record/durable_file.hpp"
#include "experiments/launchers/command.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

/// A line per task: the ids of its cells.
std::string list_text(const SweepJobs& jobs) {
  std::string text;
  for (const std::vector<const Cell*>& task : jobs.tasks)
    for (const Cell* cell : task) text += cell->id + (cell == task.back() ? "\n" : " ");
  return text;
}

std::string block(const fs::path& file, const std::string& text) {
  return "# " + file.string() + "\n" + text + "\n";
}

}  // namespace

std::string preview(const SweepJobs& jobs) {
  const auto& [folder, submission, request, task, finish, tasks, round] = jobs;
  return block(submission.task_script(), task_script(task)) +
         block(submission.finish_script(), finish_script(task.sweep, finish)) +
         block(submission.list(), list_text(jobs)) +
         shell_words(array_command(request, folder, submission, task.sweep, tasks.size())) + "\n" +
         shell_words(finish_command(request, folder, submission, task.sweep, "ARRAY", round)) + "\n";
}

Submission submit_jobs(const SweepJobs& jobs) {
  const auto& [folder, submission, request, task, finish, tasks, round] = jobs;
  fs::create_directories(folder.log());
  core::write_durably(submission.task_script(), task_script(task));
  core::write_durably(submission.finish_script(), finish_script(task.sweep, finish));
  core::write_durably(submission.list(), list_text(jobs));
  Submission made;
  made.list = submission.list().lexically_relative(folder.path).string();
  made.round = round;
  made.tasks = tasks.size();
  for (const std::vector<const Cell*>& cells : tasks) made.cells += cells.size();
  made.array = submit_job(array_command(request, folder, submission, task.sweep, made.tasks));
  try {
    made.finish = submit_job(finish_command(request, folder, submission, task.sweep, made.array, round));
    add_submission(folder, made);
  } catch (...) {
    (void)run_command({"scancel", made.array});
    if (!made.finish.empty()) (void)run_command({"scancel", made.finish});
    throw;
  }
  return made;
}

}  // namespace isorbit::experiments
