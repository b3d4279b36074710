#include <algorithm>
#include <ostream>

#include "experiments/distributed/lead.hpp"
#include "experiments/program/display.hpp"
#include "experiments/program/duration.hpp"
#include "experiments/program/interrupts.hpp"
#include "experiments/program/placement.hpp"
#include "experiments/program/ranks.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/program/warnings.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/kept_plans.hpp"
#include "experiments/sweep/plan.hpp"
#include "experiments/sweep/runner.hpp"
#include "experiments/sweep/status.hpp"
#include "experiments/sweep/time_left.hpp"

namespace isorbit::experiments::verb {
namespace {

/// What a retry without work says: it must not read as if all were well.
std::string nothing_to_retry(const RunSummary& s, std::size_t cells) {
  if (s.complete == cells) return "nothing to retry: all is complete\n";
  return "nothing to retry: no cell failed for a reason of its own; isorbit run SWEEP runs the " +
         std::to_string(cells - s.complete) + " that " + (cells - s.complete == 1 ? "is" : "are") +
         " missing\n";
}

void print_summary(std::ostream& err, const RunSummary& s, std::size_t cells,
                   const std::filesystem::path& folder) {
  err << s.complete << " of " << cells << " cells complete";
  if (s.failed > 0) err << ", " << s.failed << " failed";
  if (s.busy > 0) err << ", " << s.busy << " in other processes";
  if (s.left > 0) err << ", " << s.left << " left";
  if (s.left_failed > 0) err << ", " << s.left_failed << " left that failed before";
  err << " in " << folder.string() << (s.stopped ? "; the same command goes on from here" : "");
  if (s.left_failed > 0) err << "; isorbit retry SWEEP --failed runs again what failed";
  err << std::endl;
}

/// A forecast that is not kept fails no sweep.
template <class Write>
void keep(Console& console, const Write& write) {
  try {
    write();
  } catch (const std::exception& error) {
    console.err << "isorbit: " << error.what() << "\n";
  }
}

void keep_forecast_errors(Console& console, bool quiet, const std::filesystem::path& folder,
                          std::span<const Cell> cells) {
  keep(console, [&] { write_forecast_errors(folder, cells); });
  const std::string text = text_of(forecast_errors(folder, cells));
  if (!quiet && !text.empty()) console.err << text << "\n";
}

std::optional<TimeLimit> limit_from(const CommandLine& line, TimeLimit::Clock::time_point start) {
  const std::optional<std::string> given = line.text("time-limit");
  if (!given) return std::nullopt;
  const std::optional<double> seconds = seconds_from(*given);
  if (!seconds)
    throw UsageError("found --time-limit \"" + *given +
                     "\"; expected a time: 90 or 90s, 30m, 1h30m, 1:30:00 or 1-12:30:00");
  return TimeLimit(*seconds, start);
}

int run_or_retry(Console& console, const std::vector<std::string>& arguments, CommandLine& line, bool retry) {
  const TimeLimit::Clock::time_point start = TimeLimit::Clock::now();
  const std::unique_ptr<Communicator> ranks = ranks_to_lead();
  if (!ranks) return 0;
  const Leader leader(*ranks);
  add_sweep_options(line);
  add_selection_options(line);
  add_placement_options(line, 0);
  add_strict_option(line);
  line.option("fail-fast", "", "stop at the first cell that fails")
      .option("time-limit", "TIME",
              "save the state and stop in time: 90 (seconds), 30m, 1h30m, 1:30:00, 1-12:30:00")
      .option("wait", "", "wait for cells that other processes work on")
      .option("lease", "SECONDS",
              "without a sign of life after which a cell of another machine is taken over; 60")
      .option("no-live", "", "write no live.h5, by which readers see a cell while it trains")
      .option("quiet,q", "", "no progress")
      .option("no-color", "", "no colors (also: NO_COLOR in the environment)")
      .option("print-config", "", "print every value with the layer that set it, and run nothing");
  if (!line.parse(console, arguments)) return 0;
  if (retry && !line.has("failed"))
    throw UsageError("found no --failed; expected it: the cells that failed are the ones to run again");
  const Sweep sweep = sweep_from(line);
  say_warnings(console, line, sweep);
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
  request.live = !line.has("no-live");
  request.retry = retry;
  request.wait = line.has("wait");
  if (const auto lease = line.integer("lease", 1)) request.lease = static_cast<double>(*lease);
  const std::optional<TimeLimit> limit = limit_from(line, start);
  if (limit) request.limit = &*limit;
  Placement placement = placement_from(line, cells);
  if (ranks->size() > 1 && line.text("jobs") == "auto") placement.jobs = 1;
  if (ranks->size() > 1 && placement.jobs > 1)
    throw UsageError("found --jobs " + std::to_string(placement.jobs) + " with " +
                     std::to_string(ranks->size()) + " ranks; expected 1: ranks train one cell at a time");
  request.jobs = placement.jobs;
  request.memory = placement.memory.bytes;
  request.processors = std::move(placement.processors);
  check_sources(cells, [&](const Cell& cell) { return has_source(request.folder, cell); });
  const std::vector<Cell> missing = missing_cells(cells, request.folder);
  check_ranks(missing, *ranks);
  request.run = [&](const CellRequest& cell) { return leader.run(cell); };
  const Forecast forecast = forecast_from(line, missing, 0);
  check_memory(missing, forecast, placement.memory);
  request.forecast = &forecast;
  begin_plan(request.folder, sweep, sweep_request_from(line));
  const SweepFolder folder(request.folder);
  if (!line.has("quiet")) console.err << earlier_text(folder, earlier_cells(folder, sweep.cells));
  keep(console, [&] { write_expected(request.folder, missing, forecast); });
  const Interrupts interrupts;
  request.stop = &interrupts.count();
  const Display::Style style = line.has("quiet")  ? Display::Style::quiet
                               : console.terminal ? Display::Style::live
                                                  : Display::Style::lines;
  Display display(console.screen, style, wants_color(console.terminal, line.has("no-color")));
  display.expect(missing, forecast, request.jobs);
  const RunSummary summary = run_cells(cells, request, display);
  if (retry && summary.ran + summary.busy == 0 && !summary.stopped)
    console.err << nothing_to_retry(summary, cells.size());
  else if (!line.has("quiet") || summary.exit_code() != 0)
    print_summary(console.err, summary, cells.size(), request.folder);
  if (summary.ran > 0) keep_forecast_errors(console, line.has("quiet"), request.folder, cells);
  return summary.exit_code();
}

}  // namespace

int run(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "run SWEEP [name=value ...] [options]",
      "Runs the cells of a sweep that are missing, one after another or with --jobs side by side. A\n"
      "second call finishes what the first left; cells that diverged are left to isorbit retry.\n"
      "name=value overrides a value, name=1,2,3 makes an axis.\n"
      "Ctrl-C, SIGTERM, SIGUSR1 and a lost terminal save the state and stop with exit code 75: after the\n"
      "step at work, or between two batches of a validation or two weights of a measurement. A second one\n"
      "stops there without saving, a third at once. None of them loses what was recorded before a "
      "checkpoint.");
  return run_or_retry(console, arguments, line, false);
}

int retry(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "retry SWEEP --failed [name=value ...] [options]",
      "Runs again, from their last checkpoints, the cells that failed for a reason of their own: a\n"
      "loss that is no number, a broken invariant, documents that do not fit. What failed for want of\n"
      "disk, memory or data is run again by isorbit run. Options as of run.");
  line.option("failed", "", "all of them, or those --only names");
  return run_or_retry(console, arguments, line, true);
}

}  // namespace isorbit::experiments::verb
