// Forecasts of finished cells beside what the cells took.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"
#include "experiments/training/cell_cost.hpp"

namespace isorbit::experiments {

/// What a finished cell took; nothing where it is not finished, or its record does not say.
[[nodiscard]] std::optional<CellCost> cost_of(const SweepFolder& sweep_folder, const Cell& cell);

/// Bytes of a cell's folder on the disk; a file with several names counts once.
[[nodiscard]] double disk_bytes_of(const SweepFolder& sweep_folder, const Cell& cell);

/// Relative errors, forecast / actual - 1, of one of the three.
struct ForecastError {
  std::size_t cells = 0;         // compared
  double median = 0, worst = 0;  // by magnitude; the worst keeps its sign
  std::string worst_cell;        // "poet_bs seed 1"
};
struct ForecastErrors {
  ForecastError seconds, memory, disk;
};
/// Over the cells that were finished in one life with a forecast.
[[nodiscard]] ForecastErrors forecast_errors(const SweepFolder& sweep_folder, std::span<const Cell> cells);

/// A line: "forecast error of 8 cells: seconds median 4 %, worst +11 % (poet_bs seed 1); ..."; empty where no
/// cell can be compared.
[[nodiscard]] std::string text_of(const ForecastErrors& errors);

/// Writes <folder>/forecast.json: forecast and actual of every finished cell, and the errors. Throws
/// std::runtime_error naming the path.
void write_forecast_errors(const SweepFolder& sweep_folder, std::span<const Cell> cells);

}  // namespace isorbit::experiments
