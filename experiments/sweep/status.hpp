// How far each cell of a sweep is, read from its folder.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// planned: nothing there. stopped: begun, not finished, and nobody works on it.
enum class CellState { planned, running, done, failed, stopped };

[[nodiscard]] const char* name_of(CellState state);

struct CellStatus {
  CellState state = CellState::planned;
  std::int64_t step = 0;
  std::optional<double> loss;        // of the last training batch, nats
  std::optional<double> valid_loss;  // the last one measured
  std::string reason;                // of a failure
};

/// The state alone, from the presence of files, the lock and the sealed record.
[[nodiscard]] CellState state_of(const std::filesystem::path& sweep_folder, const Cell& cell);
/// The state with the last step and losses: from the journal while the cell lives, else from its record.
[[nodiscard]] CellStatus status_of(const std::filesystem::path& sweep_folder, const Cell& cell);

/// A line per cell, aligned.
[[nodiscard]] std::string status_text(const std::filesystem::path& sweep_folder, const Sweep& sweep);
/// An object a line.
[[nodiscard]] std::string status_json(const std::filesystem::path& sweep_folder, const Sweep& sweep);

}  // namespace isorbit::experiments
