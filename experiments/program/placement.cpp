#include "experiments/program/placement.hpp"

#include <algorithm>
#include <cstdlib>

#include "experiments/data/cache_folder.hpp"
#include "experiments/program/interrupts.hpp"
#include "experiments/sweep/cost_cache.hpp"
#include "experiments/sweep/processors.hpp"
#include "experiments/sweep/runner.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments {
namespace {

MemoryBudget memory_from(const CommandLine& line) {
  const std::string given = line.text("memory").value_or("auto");
  if (given == "auto") return memory_budget();
  if (const std::optional<double> bytes = bytes_from(given)) return {*bytes, "--memory " + given};
  throw UsageError("found --memory \"" + given + "\"; expected auto or bytes: 800M, 1.5GB, 2GiB, 1000000000");
}

}  // namespace

void add_placement_options(CommandLine& line, std::int64_t calibrate) {
  line.option("jobs,j", "N",
              "cells at once, each on training.threads cores of its own; auto: as many as there are cores "
              "for; else 1")
      .option("memory", "BYTES",
              "for all cells at once: 800M, 1.5GB, 2GiB; auto, which is the default: nine tenths of what the "
              "machine and its control groups have free")
      .option("calibrate", "SECONDS",
              "to time what the forecast does not know yet, remembered in $XDG_CACHE_HOME/isorbit or "
              "~/.cache/isorbit; 0: only what is remembered, else flops and bytes; else " +
                  std::to_string(calibrate));
}

Forecast forecast_from(const CommandLine& line, std::span<const Cell> cells, std::int64_t calibrate) {
  const std::int64_t seconds = line.integer("calibrate", 0).value_or(calibrate);
  if (seconds == 0) return {cells, {0, cache_folder()}};
  const Interrupts interrupts;  // what is timed leaves files for a while
  Forecast forecast(cells, {static_cast<double>(seconds), cache_folder(), &interrupts.count()});
  if (interrupts.count() > 0) throw Stopped("stopped on request before anything was begun");
  return forecast;
}

bool is_unbound_share(std::size_t processors, const char* cpus) {
  const long given = cpus == nullptr ? 0 : std::strtol(cpus, nullptr, 10);
  return given > 0 && processors > 2 * static_cast<std::size_t>(given);  // 2: whole cores
}

Placement placement_from(const CommandLine& line, std::span<const Cell> cells) {
  const Processors here = processors();
  std::size_t threads = 1;
  for (const Cell& cell : cells) threads = std::max(threads, threads_of(cell));
  Placement out{1, std::max<std::size_t>(1, here.ids.size() / threads), here.ids, memory_from(line)};
  if (is_unbound_share(here.ids.size(), std::getenv("SLURM_CPUS_PER_TASK"))) out.processors.clear();
  if (line.text("jobs") == "auto")
    out.jobs = std::max<std::size_t>(1, here.cores / threads);
  else
    out.jobs = static_cast<std::size_t>(line.integer("jobs", 1).value_or(1));
  if (out.jobs > out.most)
    throw UsageError("found --jobs " + std::to_string(out.jobs) + "; expected at most " +
                     std::to_string(out.most) + "; because training.threads is " + std::to_string(threads) +
                     " and there are " + std::to_string(here.ids.size()) + " processors");
  return out;
}

void check_memory(std::span<const Cell> cells, const Forecast& forecast, const MemoryBudget& memory) {
  for (const Cell& cell : cells) {
    const CellForecast* expected = forecast.find(cell);
    if (expected == nullptr || expected->memory <= memory.bytes) continue;
    const std::string label = label_of(cell.changed);
    throw UsageError("found " + scaled(memory.bytes, "B") + " of memory (" + memory.source +
                     "); expected at least " + scaled(expected->memory, "B") + ", the forecast of " +
                     cell.arm + (label.empty() ? "" : " " + label) + " seed " + std::to_string(cell.seed) +
                     "; try a smaller training.batch with training.accumulate, training.recompute=full, or "
                     "--memory to say that there is more");
  }
}

}  // namespace isorbit::experiments
