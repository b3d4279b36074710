// The options of `submit`: what is asked of the cluster, and the command lines of the jobs.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/launchers/slurm.hpp"
#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments {

void add_cluster_options(CommandLine& line);

/// `threads`: of the widest cell; `ranks`: of every cell. Throws UsageError.
[[nodiscard]] SlurmRequest slurm_request_from(const CommandLine& line, std::size_t threads,
                                              std::int64_t ranks);

/// The command line again, for the jobs: with full paths, of the copy `sweep`, in which overrides and seed
/// stand, and without what is a job's to say (which cells; which array was before it).
[[nodiscard]] std::vector<std::string> words_for_task(const CommandLine& line,
                                                      const std::filesystem::path& sweep,
                                                      const std::filesystem::path& folder);
[[nodiscard]] std::vector<std::string> words_for_finish(const CommandLine& line,
                                                        const std::filesystem::path& sweep,
                                                        const std::filesystem::path& folder);

}  // namespace isorbit::experiments
