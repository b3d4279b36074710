// Slurm, by its own commands (sbatch, scontrol, squeue, scancel): what it allows, what it has in its queue,
// and the jobs of a sweep.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace isorbit::experiments {

/// The batch system did not take a job, or does not answer; the text says what it said.
struct SlurmRefusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the user asks of the cluster for every task.
struct SlurmRequest {
  std::int64_t seconds = 0;                                // time limit of a task
  std::string time;                                        // the same as given
  std::string partition, memory, account, qos, mail_user;  // empty: the site's default
  std::size_t cpus = 1;                                    // of a process
  std::int64_t ranks = 1;                                  // processes of a task
  std::optional<std::int64_t> throttle;                    // tasks at once
  std::vector<std::string> extra;                          // arguments for sbatch, each one word
};

/// Where a sweep's jobs have their files: <results>/slurm.
struct SlurmFolder {
  std::filesystem::path path;

  [[nodiscard]] std::filesystem::path jobs() const { return path / "jobs.json"; }
  [[nodiscard]] std::filesystem::path log() const { return path / "log"; }
};

/// What one submission runs, beside the documents of its sweep: <results>/slurm/submission-N.
struct SubmissionFolder {
  std::filesystem::path path;

  [[nodiscard]] std::filesystem::path task_script() const { return path / "task.sh"; }
  [[nodiscard]] std::filesystem::path finish_script() const { return path / "finish.sh"; }
  [[nodiscard]] std::filesystem::path list() const { return path / "tasks.txt"; }
  /// File names that no document may have here.
  [[nodiscard]] std::set<std::string> names() const {
    return {task_script().filename(), finish_script().filename(), list().filename()};
  }
};

/// The folder that the next submission would have.
[[nodiscard]] SubmissionFolder next_submission(const SlurmFolder& folder);
/// Makes a folder that no other submission has. Throws std::system_error naming the path.
[[nodiscard]] SubmissionFolder new_submission(const SlurmFolder& folder);

/// Seconds of "90" (minutes), "1:30:00", "2-12", "2-12:30", "2-12:30:00" (days-hours:minutes:seconds);
/// nothing for what sbatch would not take, or zero.
[[nodiscard]] std::optional<std::int64_t> slurm_seconds(const std::string& time);

/// Seconds before its limit at which a task is warned: long enough for a step and a checkpoint.
[[nodiscard]] std::int64_t warning_seconds(std::int64_t limit);

/// The command that submits tasks 0..tasks-1, whose cells stand in the lines of the submission's list.
[[nodiscard]] std::vector<std::string> array_command(const SlurmRequest& request, const SlurmFolder& folder,
                                                     const SubmissionFolder& submission,
                                                     const std::string& name, std::size_t tasks);
/// The command that submits the job behind the array `array`, whose round this is (from 1).
[[nodiscard]] std::vector<std::string> finish_command(const SlurmRequest& request, const SlurmFolder& folder,
                                                      const SubmissionFolder& submission,
                                                      const std::string& name, const std::string& array,
                                                      std::int64_t round);

/// Runs an sbatch command; the job's id. Throws SlurmRefusal.
[[nodiscard]] std::string submit_job(const std::vector<std::string>& command);

/// Tasks an array may have: MaxArraySize of `scontrol show config`. Throws SlurmRefusal.
[[nodiscard]] std::size_t max_array_size();

/// Ids of this user's jobs that wait or run; of an array its one id. Nothing where squeue does not answer.
[[nodiscard]] std::optional<std::set<std::string>> queued_jobs();

/// True when a task of that array was cancelled, as far as squeue still knows.
[[nodiscard]] bool was_cancelled(const std::string& array);

/// What has been submitted for a sweep, one entry per array.
struct Submission {
  std::string array, finish;  // job ids
  std::string list;           // file of its cells, relative to the folder of the jobs
  std::int64_t round = 1;
  std::size_t tasks = 0, cells = 0;
};

/// From jobs.json; none where there is no such file. Throws DocumentError for a damaged one.
[[nodiscard]] std::vector<Submission> read_submissions(const SlurmFolder& folder);
/// Ids of the cells of an array that was submitted. Throws std::runtime_error naming the file when it is not
/// there.
[[nodiscard]] std::set<std::string> cells_of(const SlurmFolder& folder, const std::string& array);
/// Adds one, by rename. Throws std::runtime_error naming the path.
void add_submission(const SlurmFolder& folder, const Submission& submission);

}  // namespace isorbit::experiments
