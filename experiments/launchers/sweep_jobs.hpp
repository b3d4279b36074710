// The jobs of one sweep: an array of tasks, and one job behind them.
#pragma once
#include <string>
#include <vector>

#include "experiments/launchers/slurm.hpp"
#include "experiments/launchers/slurm_scripts.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

struct SweepJobs {
  SlurmFolder folder;
  SubmissionFolder submission;
  SlurmRequest request;
  TaskScript task;
  std::vector<std::string> finish;  // isorbit submit ..., but for the array and the round
  std::vector<std::vector<const Cell*>> tasks;
  std::int64_t round = 1;
};

/// Both scripts, the list of cells, and the commands that would submit them.
[[nodiscard]] std::string preview(const SweepJobs& jobs);

/// Writes scripts and list, submits both jobs and remembers them. Throws SlurmRefusal when the batch system
/// refuses one; nothing is then left in its queue.
Submission submit_jobs(const SweepJobs& jobs);

}  // namespace isorbit::experiments
