#include "experiments/sweep/status.hpp"

#include <ostream>

#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments::verb {

int status(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "status DIR|SWEEP [name=value ...] [options]",
      "Each cell's state (planned, running, done, failed, stopped), last step and losses, and the time\n"
      "that is left. Exit code 1 where some cell's files cannot be read now (unknown).");
  add_sweep_options(line);
  add_selection_options(line);
  add_all_option(line);
  line.option("missing", "", "a line for each cell that is planned, also where there are many")
      .option("json", "", "an object a line");
  if (!line.parse(console, arguments)) return 0;
  const Results results = results_from(line);
  const std::vector<Cell> cells = select(results.sweep, selection_from(line));
  const SweepStatus found = status_of(results.folder, cells);
  console.out << (line.has("json") ? status_json(results.folder, cells, found)
                                   : status_text(results.folder, cells, found, line.has("missing")));
  console.out.flush();
  console.err << earlier_text(results.folder, results.earlier);
  return found.has_unknown() ? 1 : 0;
}

}  // namespace isorbit::experiments::verb
