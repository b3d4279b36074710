// Slurm's commands as scripts that note how they were called and answer as the real ones do.
#pragma once
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "experiments/launchers/command.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {

inline constexpr const char* kSbatch = R"sh(
id=$(cat "$here/next")
for word in "$@"; do printf '%s\0' "$word"; done >"$here/sbatch.$id"
if [ "$id" -ge "$(cat "$here/good")" ]; then
  echo "sbatch: error: no more" >&2
  exit 1
fi
if [ -n "$SLURM_RESTART_COUNT$SLURM_JOB_ID" ]; then
  echo "sbatch: error: inherited" >&2
  exit 1
fi
echo $((id + 1)) >"$here/next"
echo "$id"
)sh";
inline constexpr const char* kScontrol = R"sh(
echo "$*" >>"$here/scontrol.calls"
[ "$1" != requeue ] || kill -TERM $PPID
if [ ! -s "$here/most" ]; then
  echo "scontrol: error: no controller" >&2
  exit 1
fi
echo "KillWait                = 30 sec"
echo "MaxArraySize            = $(cat "$here/most")"
)sh";
inline constexpr const char* kSqueue = R"sh(
case "$*" in
  *--states=all*) cat "$here/states" ;;
  *) cat "$here/queue" ;;
esac
)sh";
inline constexpr const char* kScancel = R"sh(
echo "$*" >>"$here/scancel.calls"
)sh";

class FakeSlurm {
 public:
  FakeSlurm() {
    script("sbatch", kSbatch);
    script("scontrol", kScontrol);
    script("squeue", kSqueue);
    script("scancel", kScancel);
    set("next", "100\n");
    set("good", "1000\n");
    set("most", "1001\n");
    set("queue", "");
    set("states", "COMPLETED\n");
  }

  /// next: the id of the next job; good: the first id that sbatch refuses; most: MaxArraySize, empty: nobody
  /// answers; queue: ids in the queue; states: of the last array's tasks.
  void set(const std::string& name, const std::string& text) const { folder_.write(name, text); }

  /// Shell text in front of a program that shall meet these commands.
  [[nodiscard]] std::string before() const { return "PATH=" + shell_word(path().string()) + ":$PATH "; }
  /// The words that sbatch was given for a job.
  [[nodiscard]] std::vector<std::string> submitted(int id) const {
    std::istringstream in(contents(path() / ("sbatch." + std::to_string(id))));
    std::vector<std::string> words;
    for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
    return words;
  }
  [[nodiscard]] std::string calls(const std::string& command) const {
    return contents(path() / (command + ".calls"));
  }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  void script(const std::string& name, const std::string& body) const {
    const auto file =
        folder_.write(name, "#!/bin/bash\nhere=" + shell_word(path().string()) + "\n" + body + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
  TemporaryFolder folder_;
};

}  // namespace isorbit::experiments
