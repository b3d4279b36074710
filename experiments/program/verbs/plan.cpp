#include "experiments/sweep/plan.hpp"

#include <ostream>

#include "core/document/json_line.hpp"
#include "experiments/program/placement.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/program/warnings.hpp"
#include "experiments/sweep/differences.hpp"
#include "experiments/sweep/status.hpp"

namespace isorbit::experiments::verb {
namespace {

constexpr std::int64_t kCalibration = 10;  // seconds

/// What --jobs asks for; without it one, and as many as there are cores for.
std::vector<std::size_t> jobs_shown(const CommandLine& line, const Placement& placement) {
  if (line.has("jobs")) return {placement.jobs};
  if (placement.most == 1) return {1};
  return {1, placement.most};
}

}  // namespace

int plan(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "plan SWEEP [name=value ...] [options]",
      "Lists the cells of a sweep in the order they run, with their state and what they cost, and\n"
      "every dropped combination with the clause that dropped it, which of them compute the same, and what\n"
      "else differs between the arms than their methods' words. Seconds, memory and disk are a forecast: "
      "real steps of every model\n"
      "and method are timed, the rest follows from flops and bytes. Writes nothing but what it timed, to\n"
      "the user's cache.");
  add_sweep_options(line);
  add_selection_options(line);
  add_placement_options(line, kCalibration);
  add_strict_option(line);
  line.option("json", "", "an object a line")
      .option("print-config", "", "every value with the layer that set it");
  if (!line.parse(console, arguments)) return 0;
  const Sweep sweep = sweep_from(line);
  say_warnings(console, line, sweep);
  const std::vector<Cell> cells = select(sweep, selection_from(line));
  const std::filesystem::path folder = folder_for(line, sweep);
  if (line.has("print-config")) {
    if (!line.has("json"))
      console.out << config_text(cells);
    else
      for (const Cell& cell : cells) console.out << core::json_line(cell.document);
  } else {
    const std::vector<Cell> left = missing_cells(cells, folder);
    const Forecast forecast = forecast_from(line, left, kCalibration);
    const Placement placement = placement_from(line, cells);
    const PlanForecast shown{&forecast, left, jobs_shown(line, placement), placement.memory.bytes};
    const std::vector<Difference> differences = differences_between_arms(cells);
    if (line.has("json"))
      console.out << plan_json(sweep, cells, folder, shown) << differences_json(differences);
    else
      console.out << plan_text(sweep, cells, folder, shown) << (differences.empty() ? "" : "\n")
                  << differences_text(differences);
  }
  return 0;
}

}  // namespace isorbit::experiments::verb
