// How far each cell of a sweep is, read from its folder.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"
#include "experiments/training/failure.hpp"

namespace isorbit::experiments {

/// planned: nothing there. stopped: begun, not finished, and nobody works on it. unknown: it cannot be
/// told.
enum class CellState { planned, running, done, failed, stopped, unknown };

[[nodiscard]] const char* name_of(CellState state);

struct CellStatus {
  CellState state = CellState::planned;
  std::int64_t attempt = 0;              // the newest; 0: there is none
  std::string owner;                     // who works on it: host, pid, job
  std::optional<double> silent_seconds;  // since its last sign of life, where its lease has run out
  std::int64_t step = 0;
  std::optional<double> loss;        // of the last training batch, nats
  std::optional<double> valid_loss;  // the last one measured
  std::string kind, reason;          // of a failure; or why its files say nothing
};

/// The state alone, from the presence of files, the lease of the newest attempt and done.json.
[[nodiscard]] CellState state_of(const SweepFolder& sweep_folder, const Cell& cell);
/// The state with the last step and losses: from the journal while the cell lives, else from its record.
[[nodiscard]] CellStatus status_of(const SweepFolder& sweep_folder, const Cell& cell);

/// Why the cell failed when it was last tried; nothing where it did not.
[[nodiscard]] std::optional<Failure> last_failure(const SweepFolder& sweep_folder, const Cell& cell);

/// The cells that are not done, in order.
[[nodiscard]] std::vector<Cell> missing_cells(std::span<const Cell> cells, const SweepFolder& sweep_folder);

struct SweepStatus {
  std::vector<CellStatus> cells;  // in the order of the sweep's
  /// Whether some cell's state could not be told.
  [[nodiscard]] bool has_unknown() const;
};
[[nodiscard]] SweepStatus status_of(const SweepFolder& sweep_folder, std::span<const Cell> cells);

/// A line per cell, aligned, but one per arm for many that are planned, unless `all`; then how many there
/// are, the time that is left, and how far the forecasts of finished cells were off.
[[nodiscard]] std::string status_text(const SweepFolder& sweep_folder, std::span<const Cell> cells,
                                      const SweepStatus& status, bool all = false);
/// An object a line.
[[nodiscard]] std::string status_json(const SweepFolder& sweep_folder, std::span<const Cell> cells,
                                      const SweepStatus& status);

}  // namespace isorbit::experiments
