#include "experiments/launchers/slurm_scripts.hpp"

#include <algorithm>

#include "experiments/launchers/command.hpp"

namespace isorbit::experiments {
namespace {

/// For a comment, which ends with its line.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

/// A bash array, a word a line.
std::string array_of(const char* name, std::span<const std::string> words) {
  std::string text = name + std::string("=(\n");
  for (const std::string& word : words) text += "  " + shell_word(word) + "\n";
  return text + ")\n";
}

std::vector<std::string> launcher(std::int64_t ranks) {
  if (ranks == 1) return {};
  return {"mpirun", "-n", std::to_string(ranks), "--bind-to", "none"};
}

constexpr const char* kReadCells = R"sh(
me=${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}
read -r -a cells <<<"$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1")"
if [ ${#cells[@]} = 0 ]; then
  echo "task $me: no line $((SLURM_ARRAY_TASK_ID + 1)) in $1" >&2
  exit 1
fi
for cell in "${cells[@]}"; do command+=("--only=id=$cell"); done
jobs=$((ranks > 1 ? 1 : ${SLURM_CPUS_PER_TASK:-1} / threads))
command+=("--jobs=$((jobs > 0 ? jobs : 1))")
echo "task $me: ${#cells[@]} cells on ${SLURMD_NODENAME:-$HOSTNAME}, restart ${SLURM_RESTART_COUNT:-0}"
)sh";

// bash runs a trap only between commands, and ends its wait for one: hence the loop.
// mpirun hands USR1 on to its processes, and kills them on TERM.
constexpr const char* kRun = R"sh(
child= warned=0 ended=0 signalled=1
trap 'signalled=1 warned=1; kill -USR1 $child 2>/dev/null' USR1
trap 'signalled=1 ended=1; kill -$stop $child 2>/dev/null' TERM
"${launch[@]}" "${command[@]}" &
child=$!
while [ $signalled = 1 ]; do
  signalled=0
  wait $child
  code=$?
done
echo "task $me: exit code $code"
if [ $code = 75 ] && [ $warned = 1 ] && [ $ended = 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt $restarts ]; then
  trap - TERM
  scontrol requeue "$me" && exec sleep 60  # in which the batch system ends this life of the task
fi
exit $code
)sh";

}  // namespace

std::string task_script(const TaskScript& script) {
  return "#!/bin/bash\n"
         "# A task of the sweep " +
         one_line(script.sweep) +
         ", written by isorbit submit. Its argument is a file; the ids of its cells stand there in the line\n"
         "# SLURM_ARRAY_TASK_ID + 1. Stopped by the warning before its time limit, it goes back into the "
         "queue.\n" +
         array_of("command", script.command) + array_of("launch", launcher(script.ranks)) +
         "threads=" + std::to_string(script.threads) + "\nranks=" + std::to_string(script.ranks) +
         "\nrestarts=" + std::to_string(script.restarts) + "\nstop=" + (script.ranks > 1 ? "USR1" : "TERM") +
         "\n" + kReadCells + kRun;
}

std::string finish_script(const std::string& sweep, std::span<const std::string> command) {
  return "#!/bin/bash\n"
         "# Behind the tasks of the sweep " +
         one_line(sweep) +
         ", written by isorbit submit. Its arguments are the job id of the tasks and their round.\n"
         "# Makes the tables when the sweep is complete, else submits what is missing once more.\n" +
         array_of("command", command) + "exec \"${command[@]}\" \"--after=$1\" \"--round=$2\"\n";
}

}  // namespace isorbit::experiments
