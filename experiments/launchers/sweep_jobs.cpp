#include "experiments/launchers/sweep_jobs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

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

std::string list_name(std::size_t number) { return "tasks-" + std::to_string(number) + ".txt"; }

/// A name no other submission has: jobs still in the queue read their lists when they begin.
fs::path new_list(const SlurmFolder& folder) {
  for (std::size_t number = 1;; ++number) {
    const fs::path file = folder.path / list_name(number);
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      ::close(descriptor);
      return file;
    }
    if (errno != EEXIST) throw std::system_error(errno, std::generic_category(), file.string());
  }
}

/// The name new_list() would give, without making the file.
fs::path next_list(const SlurmFolder& folder) {
  std::size_t number = 1;
  std::error_code error;
  while (fs::exists(folder.path / list_name(number), error)) ++number;
  return folder.path / list_name(number);
}

void write_whole(const fs::path& target, const std::string& text) {
  core::DurableFile file(target);
  file.write(text);
  file.commit();
}

std::string block(const fs::path& file, const std::string& text) {
  return "# " + file.string() + "\n" + text + "\n";
}

}  // namespace

std::string preview(const SweepJobs& jobs) {
  const fs::path list = next_list(jobs.folder);
  return block(jobs.folder.task_script(), task_script(jobs.task)) +
         block(jobs.folder.finish_script(), finish_script(jobs.task.sweep, jobs.finish)) +
         block(list, list_text(jobs)) +
         shell_words(array_command(jobs.request, jobs.folder, jobs.task.sweep, jobs.tasks.size(), list)) +
         "\n" + shell_words(finish_command(jobs.request, jobs.folder, jobs.task.sweep, "ARRAY", jobs.round)) +
         "\n";
}

Submission submit_jobs(const SweepJobs& jobs) {
  fs::create_directories(jobs.folder.log());
  write_whole(jobs.folder.task_script(), task_script(jobs.task));
  write_whole(jobs.folder.finish_script(), finish_script(jobs.task.sweep, jobs.finish));
  const fs::path list = new_list(jobs.folder);
  write_whole(list, list_text(jobs));
  Submission made;
  made.list = list.filename().string();
  made.round = jobs.round;
  made.tasks = jobs.tasks.size();
  for (const std::vector<const Cell*>& task : jobs.tasks) made.cells += task.size();
  made.array = submit_job(array_command(jobs.request, jobs.folder, jobs.task.sweep, made.tasks, list));
  try {
    made.finish =
        submit_job(finish_command(jobs.request, jobs.folder, jobs.task.sweep, made.array, jobs.round));
    add_submission(jobs.folder, made);
  } catch (...) {
    (void)run_command({"scancel", made.array});
    if (!made.finish.empty()) (void)run_command({"scancel", made.finish});
    throw;
  }
  return made;
}

}  // namespace isorbit::experiments
