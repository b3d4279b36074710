#include "experiments/launchers/slurm.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>

#include "experiments/launchers/command.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::int64_t kMostFinishSeconds = 3600;
constexpr std::int64_t kMostNumber = 1'000'000'000'000;

/// A job that submits one must not hand it what it is itself: above all not SLURM_RESTART_COUNT.
constexpr std::string_view kHidden[] = {"SLURM_ARRAY_",  "SLURM_CPUS_",  "SLURM_JOB",     "SLURM_MEM_",
                                        "SLURM_NODE",    "SLURM_NTASKS", "SLURM_RESTART", "SLURM_STEP",
                                        "SLURM_SUBMIT_", "SLURM_TASK",   "SLURM_TRES"};

/// A path as sbatch takes it for a log, where % begins a placeholder.
std::string literal(const std::filesystem::path& path) {
  std::string out;
  for (const char c : path.string()) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// The words both jobs begin with.
std::vector<std::string> common(const SlurmRequest& request, const SlurmFolder& folder,
                                const std::string& name, const char* log) {
  std::vector<std::string> words = {"sbatch",
                                    "--parsable",
                                    "--job-name=isorbit-" + name,
                                    "--output=" + literal(folder.log()) + "/" + log,
                                    "--open-mode=append",
                                    "--requeue"};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.push_back(option + value);
  };
  add("--partition=", request.partition);
  add("--account=", request.account);
  add("--qos=", request.qos);
  return words;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= kMostNumber ? value : -1;
}

}  // namespace

std::optional<std::int64_t> slurm_seconds(const std::string& time) {
  const std::size_t dash = time.find('-');
  const bool days = dash != std::string::npos;
  std::vector<std::int64_t> parts;
  std::istringstream in(days ? time.substr(dash + 1) : time);
  for (std::string part; std::getline(in, part, ':');) parts.push_back(number(part));
  if (parts.empty() || parts.size() > 3 || time.ends_with(':')) return {};
  if (days) parts.insert(parts.begin(), number(time.substr(0, dash)));
  if (std::ranges::any_of(parts, [](std::int64_t part) { return part < 0; })) return {};
  std::int64_t seconds = 0;
  if (days) {  // days-hours[:minutes[:seconds]]
    parts.resize(4);
    seconds = ((parts[0] * 24 + parts[1]) * 60 + parts[2]) * 60 + parts[3];
  } else if (parts.size() < 3) {  // minutes[:seconds]
    parts.resize(2);
    seconds = parts[0] * 60 + parts[1];
  } else {
    seconds = (parts[0] * 60 + parts[1]) * 60 + parts[2];
  }
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}

std::int64_t warning_seconds(std::int64_t limit) { return std::clamp<std::int64_t>(limit / 10, 20, 300); }

std::vector<std::string> array_command(const SlurmRequest& request, const SlurmFolder& folder,
                                       const SubmissionFolder& submission, const std::string& name,
                                       std::size_t tasks) {
  std::vector<std::string> words = common(request, folder, name, "%A_%a.log");
  if (request.ranks == 1) words.emplace_back("--nodes=1");  // ranks may spread over several
  words.push_back("--ntasks=" + std::to_string(request.ranks));
  words.push_back("--array=0-" + std::to_string(tasks - 1) +
                  (request.throttle ? "%" + std::to_string(*request.throttle) : ""));
  words.push_back("--time=" + request.time);
  words.push_back("--signal=B:USR1@" + std::to_string(warning_seconds(request.seconds)));
  words.push_back("--cpus-per-task=" + std::to_string(request.cpus));
  if (!request.memory.empty()) words.push_back("--mem=" + request.memory);
  words.insert(words.end(), request.extra.begin(), request.extra.end());
  words.push_back(submission.task_script().string());
  words.push_back(submission.list().string());
  return words;
}

std::vector<std::string> finish_command(const SlurmRequest& request, const SlurmFolder& folder,
                                        const SubmissionFolder& submission, const std::string& name,
                                        const std::string& array, std::int64_t round) {
  std::vector<std::string> words = common(request, folder, name, "finish.log");
  words.insert(words.end(), {"--nodes=1", "--ntasks=1"});
  words.push_back("--dependency=afterany:" + array);
  words.push_back(request.seconds > kMostFinishSeconds ? "--time=1:00:00" : "--time=" + request.time);
  words.push_back("--cpus-per-task=1");
  if (!request.mail_user.empty()) {
    words.push_back("--mail-user=" + request.mail_user);
    words.push_back("--mail-type=END,FAIL");
  }
  words.insert(words.end(), request.extra.begin(), request.extra.end());
  words.push_back(submission.finish_script().string());
  words.push_back(array);
  words.push_back(std::to_string(round));
  return words;
}

std::string submit_job(const std::vector<std::string>& command) {
  const Finished sbatch = run_command(command, kHidden);
  const std::string id = sbatch.out.substr(0, sbatch.out.find_first_of(";\n"));
  if (sbatch.code == 0 && number(id) > 0) return id;
  const std::string said = trimmed(sbatch.err.empty() ? sbatch.out : sbatch.err);
  throw SlurmRefusal("the batch system refused the job: " + (said.empty() ? "without a word" : said) +
                     "; the command was " + shell_words(command));
}

std::size_t max_array_size() {
  const Finished config = run_command({"scontrol", "show", "config"});
  if (config.code != 0)
    throw SlurmRefusal("the batch system does not answer: scontrol show config: " + trimmed(config.err));
  std::istringstream lines(config.out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("MaxArraySize")) continue;
    const std::int64_t size =
        number(trimmed(line.substr(line.find_last_of(' ', line.find_last_not_of(' ')) + 1)));
    if (size > 0) return static_cast<std::size_t>(size);
  }
  throw SlurmRefusal(
      "scontrol show config names no MaxArraySize of at least 1: this cluster takes no arrays");
}

std::optional<std::set<std::string>> queued_jobs() {
  if (!has_program("squeue")) return {};
  const Finished squeue =
      run_command({"squeue", "--noheader", "--user=" + std::to_string(::getuid()), "--format=%F"});
  if (squeue.code != 0) return {};
  std::set<std::string> ids;
  std::istringstream lines(squeue.out);
  for (std::string id; lines >> id;) ids.insert(id);
  return ids;
}

bool was_cancelled(const std::string& array) {
  if (!has_program("squeue")) return false;
  const Finished squeue =
      run_command({"squeue", "--noheader", "--states=all", "--jobs=" + array, "--format=%T"});
  return squeue.out.find("CANCELLED") != std::string::npos;
}

}  // namespace isorbit::experiments
