#include <ostream>

#include "experiments/program/display.hpp"
#include "experiments/program/interrupts.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/plan.hpp"
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

}  // namespace

int run(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "run SWEEP [name=value ...] [options]",
      "Runs the cells of a sweep that are missing, one after another. A second call finishes what the\n"
      "first left. name=value overrides a value, name=1,2,3 makes an axis. Ctrl-C saves the state and\n"
      "stops, a second one stops at once.");
  add_sweep_options(line);
  add_selection_options(line);
  line.option("fail-fast", "", "stop at the first cell that fails")
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
