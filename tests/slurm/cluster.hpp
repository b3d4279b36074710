// A Slurm cluster of virtual nodes on this machine (cluster.sh), torn down with its object or its process.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "experiments/launchers/command.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {

class Cluster {
 public:
  /// Whether what it needs is installed.
  [[nodiscard]] static bool is_possible() {
    return has_program("sbatch") && std::filesystem::exists("/usr/sbin/slurmctld") &&
           std::filesystem::exists("/usr/sbin/munged");
  }

  /// `owner`: the process with which it ends at the latest.
  explicit Cluster(int nodes, pid_t owner = ::getpid()) {
    std::filesystem::permissions(root_.path(), std::filesystem::perms(0755));  // munge's user looks into it
    ::setenv("SLURM_CONF", (root_.path() / "slurm.conf").c_str(), 1);
    manage({"up", root_.path().string(), std::to_string(nodes), std::to_string(owner)});
  }
  ~Cluster() {
    manage({"down", root_.path().string()});
    ::unsetenv("SLURM_CONF");
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Its daemons that live.
  [[nodiscard]] std::size_t daemons() const {
    std::size_t alive = 0;
    for (const char* file : {"munge/munged.pid", "slurmctld.pid", "slurmd.node1.pid"}) {
      const std::string pid = contents(root_.path() / file);
      alive += !pid.empty() && ::kill(static_cast<pid_t>(std::stol(pid)), 0) == 0 ? 1 : 0;
    }
    return alive;
  }
  /// SIGKILL to the daemon of a node.
  void kill_daemon(const std::string& node) const { manage({"kill", root_.path().string(), node}); }

  /// What a command of Slurm prints, by words.
  [[nodiscard]] static std::vector<std::string> words(const std::vector<std::string>& command) {
    const Finished finished = run_command(command);
    EXPECT_EQ(finished.code, 0) << shell_words(command) << "\n" << finished.err;
    std::istringstream in(finished.out);
    std::vector<std::string> out;
    for (std::string word; in >> word;) out.push_back(word);
    return out;
  }

 private:
  static void manage(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ISORBIT_SOURCE_DIR "/tests/slurm/cluster.sh");
    const Finished finished = run_command(arguments);
    EXPECT_EQ(finished.code, 0) << shell_words(arguments) << "\n" << finished.err;
  }
  TemporaryFolder root_;
};

/// Waits for it to become true, at most so long.
[[nodiscard]] inline bool soon(const std::function<bool()>& holds, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace isorbit::experiments
