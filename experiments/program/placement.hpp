// How many cells run at once, on which processors, and within how much memory: --jobs and --memory.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "experiments/program/command_line.hpp"
#include "experiments/sweep/forecast.hpp"
#include "experiments/sweep/memory_budget.hpp"

namespace isorbit::experiments {

/// --jobs, --memory, --calibrate; `calibrate`: the seconds where the last is not given.
void add_placement_options(CommandLine& line, std::int64_t calibrate);
/// Times what --calibrate allows. Throws UsageError, and Stopped on a signal.
[[nodiscard]] Forecast forecast_from(const CommandLine& line, std::span<const Cell> cells,
                                     std::int64_t calibrate);

struct Placement {
  std::size_t jobs = 1;         // the default: it needs the memory of one cell, and times in its record are
                                // those of a cell that had the machine to itself
  std::size_t most = 1;         // that processors allow
  std::vector<int> processors;  // one of every core first
  MemoryBudget memory;
};
/// True where a batch system gave this task `cpus` processors of a node (SLURM_CPUS_PER_TASK; null: none did)
/// but lets it onto all of them: bound to the first ones, all tasks of the node would share these.
[[nodiscard]] bool is_unbound_share(std::size_t processors, const char* cpus);
/// Throws UsageError where there are too few processors.
[[nodiscard]] Placement placement_from(const CommandLine& line, std::span<const Cell> cells);

/// Throws UsageError for a cell that does not fit into the memory even alone.
void check_memory(std::span<const Cell> cells, const Forecast& forecast, const MemoryBudget& memory);

}  // namespace isorbit::experiments
