#include "experiments/sweep/plan.hpp"

#include <ostream>

#include "experiments/program/sweep_arguments.hpp"

namespace isorbit::experiments::verb {

int plan(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "plan SWEEP [name=value ...] [options]",
      "Lists the cells of a sweep in the order they run, with their state and what they cost, and\n"
      "every dropped combination with the clause that dropped it. Writes nothing.");
  add_sweep_options(line);
  add_selection_options(line);
  line.option("json", "", "an object a line")
      .option("print-config", "", "every value with the layer that set it");
  if (!line.parse(console, arguments)) return 0;
  const Sweep sweep = sweep_from(line);
  const std::vector<Cell> cells = select(sweep, selection_from(line));
  const std::filesystem::path folder = folder_for(line, sweep);
  if (line.has("print-config")) {
    if (!line.has("json"))
      console.out << config_text(cells);
    else
      for (const Cell& cell : cells) console.out << cell.document.dump() << "\n";
  } else {
    console.out << (line.has("json") ? plan_json(sweep, cells, folder) : plan_text(sweep, cells, folder));
  }
  return 0;
}

}  // namespace isorbit::experiments::verb
