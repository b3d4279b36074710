#include "experiments/program/cluster_options.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

/// All that a job behind the tasks must know again.
constexpr const char* kOfTheJobs[] = {"only", "limit",  "seed",    "time", "partition", "tasks",  "throttle",
                                      "cpus", "memory", "account", "qos",  "mail-user", "sbatch", "restarts"};

std::vector<std::string> words_for(const CommandLine& line, const char* verb, const fs::path& sweep,
                                   const fs::path& folder) {
  return {fs::read_symlink("/proc/self/exe").string(), verb, sweep.string(), "--output=" + folder.string(),
          "--data=" + fs::absolute(data_dir_from(line)).string()};
}

}  // namespace

void add_cluster_options(CommandLine& line) {
  add_sweep_options(line);
  add_selection_options(line);
  line.option("time", "T", "limit of a task: minutes, hours:minutes:seconds, days-hours:minutes:seconds")
      .option("partition", "P", "of the cluster; else its default")
      .option("tasks", "N", "at most so many tasks; else as many as have a minute of work each")
      .option("throttle", "N", "at most so many tasks at once")
      .option("cpus", "N",
              "of a task, which runs as many cells at once as fit, or of a rank; else those of one cell")
      .option("memory", "M", "of a task, such as 8G")
      .option("account", "A", "the cluster charges")
      .option("qos", "Q", "quality of service")
      .option("mail-user", "ADDRESS", "who is told when the sweep has ended")
      .option("sbatch", "ARGUMENT", "one more for sbatch, such as --sbatch=--gres=gpu:1; may be repeated")
      .option("restarts", "N", "times a task may go on after its time limit; else 50")
      .option("force", "", "although jobs of the sweep are in the queue")
      .option("dry-run", "", "print the scripts and the commands, write and submit nothing")
      .option("after", "ID", "for the job behind the tasks: their job")
      .option("round", "N", "for the job behind the tasks: how often was submitted before");
}

SlurmRequest slurm_request_from(const CommandLine& line, std::size_t threads, std::int64_t ranks) {
  SlurmRequest request;
  request.ranks = ranks;
  const auto text = [&](const char* name) { return line.text(name).value_or(""); };
  request.time = text("time");
  const std::optional<std::int64_t> seconds = slurm_seconds(request.time);
  if (!seconds)
    throw UsageError(
        (line.has("time") ? "found --time \"" + request.time + "\"" : "found no --time") +
        "; expected minutes, hours:minutes:seconds or days-hours:minutes:seconds, such as --time 4:00:00");
  request.seconds = *seconds;
  request.partition = text("partition");
  request.memory = text("memory");
  request.account = text("account");
  request.qos = text("qos");
  request.mail_user = text("mail-user");
  request.throttle = line.integer("throttle", 1);
  request.extra = line.texts("sbatch");
  request.cpus =
      static_cast<std::size_t>(line.integer("cpus", 1).value_or(static_cast<std::int64_t>(threads)));
  if (request.cpus < threads)
    throw UsageError("found --cpus " + std::to_string(request.cpus) + "; expected at least " +
                     std::to_string(threads) + "; because training.threads is " + std::to_string(threads));
  return request;
}

std::vector<std::string> words_for_task(const CommandLine& line, const fs::path& sweep,
                                        const fs::path& folder) {
  std::vector<std::string> words = words_for(line, "run", sweep, folder);
  words.push_back("--wait");
  return words;
}

std::vector<std::string> words_for_finish(const CommandLine& line, const fs::path& sweep,
                                          const fs::path& folder) {
  std::vector<std::string> words = words_for(line, "submit", sweep, folder);
  for (const char* option : kOfTheJobs)
    for (const std::string& value : line.texts(option))
      words.push_back("--" + std::string(option) + "=" + value);
  return words;
}

}  // namespace isorbit::experiments
