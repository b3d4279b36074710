#include <algorithm>
#include <ostream>

#include "experiments/program/display.hpp"
#include "experiments/program/interrupts.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/plan.hpp"
#include "experiments/sweep/processors.hpp"
#include "experiments/sweep/runner.hpp"

namespace isorbit::experiments::verb {
namespace {

void print_summary(std::ostream& err, const RunSummary& s, std::size_t cells,
                   const std::filesystem::path& folder) {
  err << s.complete << " of " << cells << " cells complete";
  if (s.failed > 0) err << ", " << s.failed << " failed";
  if (s.busy > 0) err << ", " << s.busy << " in other processes";
  if (s.left > 0) err << ", " << s.left << " left";
  err << " in " << folder.string() << (s.stopped ? "; the same command goes on from here" : "") << std::endl;
}

/// Jobs and their processors. The default is one job: it needs the memory of one cell, and the seconds in its
/// record are those of a cell that had the machine to itself.
void place(const CommandLine& line, std::span<const Cell> cells, RunRequest& request) {
  const Processors here = processors();
  std::size_t threads = 1;
  for (const Cell& cell : cells) threads = std::max(threads, threads_of(cell));
  request.processors = here.ids;
  if (line.text("jobs") == "auto")
    request.jobs = std::max<std::size_t>(1, here.cores / threads);
  else
    request.jobs = static_cast<std::size_t>(line.integer("jobs", 1).value_or(1));
  const std::size_t most = std::max<std::size_t>(1, here.ids.size() / threads);
  if (request.jobs > most)
    throw UsageError("found --jobs " + std::to_string(request.jobs) + "; expected at most " +
                     std::to_string(most) + "; because training.threads is " + std::to_string(threads) +
                     " and there are " + std::to_string(here.ids.size()) + " processors");
}

}  // namespace

int run(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "run SWEEP [name=value ...] [options]",
      "Runs the cells of a sweep that are missing, one after another or with --jobs side by side. A\n"
      "second call finishes what the first left. name=value overrides a value, name=1,2,3 makes an axis.\n"
      "Ctrl-C saves the state and stops, a second one stops at once.");
  add_sweep_options(line);
  add_selection_options(line);
  line.option("jobs,j", "N",
              "cells at once, each on training.threads cores of its own; auto: as many as fit; else 1")
      .option("fail-fast", "", "stop at the first cell that fails")
      .option("quiet,q", "", "no progress")
      .option("no-color", "", "no colors (also: NO_COLOR in the environment)")
      .option("print-config", "", "print every value with the layer that set it, and run nothing");
  if (!line.parse(console, arguments)) return 0;
  const Sweep sweep = sweep_from(line);
  const std::vector<Cell> cells = select(sweep, selection_from(line));
  if (line.has("print-config")) {
    console.out << config_text(cells);
    return 0;
  }
  RunRequest request;
  request.folder = folder_for(line, sweep);
  request.data_dir = data_dir_from(line);
  request.argv = console.argv;
  request.fail_fast = line.has("fail-fast");
  place(line, cells, request);
  check_sources(cells, [&](const Cell& cell) { return has_source(request.folder, cell); });
  write_manifest(request.folder, sweep);
  const Interrupts interrupts;
  request.stop = &interrupts.count();
  const Display::Style style = line.has("quiet")  ? Display::Style::quiet
                               : console.terminal ? Display::Style::live
                                                  : Display::Style::lines;
  Display display(console.err, style, wants_color(console.terminal, line.has("no-color")));
  const RunSummary summary = run_cells(cells, request, display);
  if (!line.has("quiet") || summary.exit_code() != 0)
    print_summary(console.err, summary, cells.size(), request.folder);
  return summary.exit_code();
}

}  // namespace isorbit::experiments::verb
