// What a sweep will do, for people and for programs.
#pragma once
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/forecast.hpp"
#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"

namespace isorbit::experiments {

/// What the cells will take, and on what.
struct PlanForecast {
  const Forecast* cells = nullptr;     // none: the plan says nothing of it
  std::span<const Cell> left = {};     // the cells that are not done
  std::vector<std::size_t> jobs = {};  // for each of these numbers of cells at once, how long the sweep takes
  double memory = std::numeric_limits<double>::infinity();  // bytes there are for them
};

/// A line per cell with its state in `folder`, counts, dropped combinations with their clauses, notes.
[[nodiscard]] std::string plan_text(const Sweep& sweep, std::span<const Cell> cells,
                                    const SweepFolder& folder, const PlanForecast& forecast = {});
/// An object a line: cells, then dropped combinations ("dropped": clause), then with a forecast the whole
/// ("jobs": seconds by number of cells at once).
[[nodiscard]] std::string plan_json(const Sweep& sweep, std::span<const Cell> cells,
                                    const SweepFolder& folder, const PlanForecast& forecast = {});
/// Every value of every cell with the layer it came from.
[[nodiscard]] std::string config_text(std::span<const Cell> cells);

}  // namespace isorbit::experiments
