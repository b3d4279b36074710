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
std::string array_of(std::span<const std::string> words) {
  std::string text = "command=(\n";
  for (const std::string& word : words) text += "  " + shell_word(word) + "\n";
  return text + ")\n";
}

constexpr const char* kReadCells = R"sh(
me=${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}
read -r -a cells <<<"$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1")"
if [ ${#cells[@]} = 0 ]; then
  echo "task $me: no line $((SLURM_ARRAY_TASK_ID + 1)) in $1" >&2
  exit 1
fi
for cell in "${cells[@]}"; do command+=("--only=id=$cell"); done
jobs=$((${SLURM_CPUS_PER_TASK:-1} / threads))
command+=("--jobs=$((jobs > 0 ? jobs : 1))")
echo "task $me: ${#cells[@]} cells on ${SLURMD_NODENAME:-$HOSTNAME}, restart ${SLURM_RESTART_COUNT:-0}"
)sh";

// bash runs a trap only between commands, and ends its wait for one: hence the loop.
constexpr const char* kRun = R"sh(
child= warned=0 ended=0 signalled=1
trap 'signalled=1 warned=1; kill -USR1 $child 2>/dev/null' USR1
trap 'signalled=1 ended=1; kill -TERM $child 2>/dev/null' TERM
"${command[@]}" &
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
         array_of(script.command) + "threads=" + std::to_string(script.threads) +
         "\nrestarts=" + std::to_string(script.restarts) + "\n" + kReadCells + kRun;
}

std::string finish_script(const std::string& sweep, std::span<const std::string> command) {
  return "#!/bin/bash\n"
         "# Behind the tasks of the sweep " +
         one_line(sweep) +
         ", written by isorbit submit. Its arguments are the job id of the tasks and their round.\n"
         "# Makes the tables when the sweep is complete, else submits what is missing once more.\n" +
         array_of(command) + "exec \"${command[@]}\" \"--after=$1\" \"--round=$2\"\n";
}

}  // namespace isorbit::experiments
