#include "experiments/sweep/status.hpp"

#include <ostream>

#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments::verb {

int status(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line("status DIR|SWEEP [name=value ...] [options]",
                   "Each cell's state (planned, running, done, failed, stopped), last step and losses.");
  add_sweep_options(line);
  add_selection_options(line);
  line.option("json", "", "an object a line");
  if (!line.parse(console, arguments)) return 0;
  Results results = results_from(line);
  results.sweep.cells = select(results.sweep, selection_from(line));
  console.out << (line.has("json") ? status_json(results.folder, results.sweep)
                                   : status_text(results.folder, results.sweep));
  return 0;
}

}  // namespace isorbit::experiments::verb
