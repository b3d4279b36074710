// How far each cell of a sweep is, read from its folder.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"
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
  std::string kind, reason;          // of a failure
};

/// The state alone, from the presence of files, the lease of the newest attempt and done.json.
[[nodiscard]] CellState state_of(const std::filesystem::path& sweep_folder, const Cell& cell);
/// The state with the last step and losses: from the journal while the cell lives, else from its record.
[[nodiscard]] CellStatus status_of(const std::filesystem::path& sweep_folder, const Cell& cell);

/// Why the cell failed when it was last tried; nothing where it did not.
[[nodiscard]] std::optional<Failure> last_failure(const std::filesystem::path& sweep_folder,
                                                  const Cell& cell);

/// The cells that are not done, in order.
[[nodiscard]] std::vector<Cell> missing_cells(std::span<const Cell> cells,
                                              const std::filesystem::path& sweep_folder);

/// A line per cell, aligned; then how far the forecasts of finished cells were off.
[[nodiscard]] std::string status_text(const std::filesystem::path& sweep_folder, const Sweep& sweep);
/// An object a line.
[[nodiscard]] std::string status_json(const std::filesystem::path& sweep_folder, const Sweep& sweep);

}  // namespace isorbit::experiments
