#include "experiments/sweep/plan.hpp"

#include <ostream>

#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/differences.hpp"

namespace isorbit::experiments::verb {

int plan(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "plan SWEEP [name=value ...] [options]",
      "Lists the cells of a sweep in the order they run, with their state and what they cost, and\n"
      "every dropped combination with the clause that dropped it, and what else differs between the\n"
      "arms than their methods' words. Writes nothing.");
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
    const std::vector<Difference> differences = differences_between_arms(cells);
    if (line.has("json"))
      console.out << plan_json(sweep, cells, folder) << differences_json(differences);
    else
      console.out << plan_text(sweep, cells, folder) << (differences.empty() ? "" : "\n")
                  << differences_text(differences);
  }
  return 0;
}

}  // namespace isorbit::experiments::verb
