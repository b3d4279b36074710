// What cells will take: seconds, memory and disk, before they run.
//
//   seconds = setup + steps (step + row) + batches validation + rounds spectra + bases + sum over event sets
//             + files checkpoint + record            (unit_costs.hpp: each part once)
//   memory  = the program + programs, weights and moments of the cell (as the compiler plans them)
//             + the larger of what spectra work in and what the record holds while it is sealed
//   disk    = last weights + journal + record, which stay; a checkpoint lies beside them until the end
//
// A part's seconds are those timed on this machine (calibration.hpp) or remembered (cost_cache.hpp); else the
// nominal ones, from flops and bytes, times what timed over nominal is at the nearest work that was timed.
#pragma once
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "experiments/sweep/sweep.hpp"
#include "experiments/training/cell_cost.hpp"

namespace isorbit::experiments {

struct ForecastRequest {
  double seconds = 0;                      // to time what is not remembered; 0: nothing is timed
  std::filesystem::path cache = {};        // folder; empty: nothing is remembered
  const std::atomic<int>* stop = nullptr;  // not 0: no more is timed
};

class Forecast {
 public:
  /// Forecasts nothing.
  Forecast() = default;
  /// Of cells that have documents. Throws what a cell would throw on its way to its first step.
  Forecast(std::span<const Cell> cells, const ForecastRequest& request);

  /// Null for a cell it does not know.
  [[nodiscard]] const CellForecast* find(const Cell& cell) const;
  /// 0 for a cell it does not know.
  [[nodiscard]] double seconds_of(const Cell& cell) const;
  /// Bytes that a cell adds to what the program holds; 0 for a cell it does not know.
  [[nodiscard]] double memory_of(const Cell& cell) const;
  /// Bytes of the program without a cell.
  [[nodiscard]] double program_bytes() const { return program_bytes_; }

  /// Seconds until all of `cells` are done by `jobs` at once, in the order the runner takes them, with so
  /// many bytes of memory.
  [[nodiscard]] double seconds_with(std::span<const Cell> cells, std::size_t jobs, double memory) const;

 private:
  std::map<std::string, CellForecast> cells_;  // by id
  double program_bytes_ = 0;
};

}  // namespace isorbit::experiments
