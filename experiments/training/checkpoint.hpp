// All that a run must remember to go on as if it had never stopped: tensors, moments, ages, intervals, the
// step.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

struct CheckpointState {
  std::string cell_id;
  std::int64_t step = 0;
  double seconds = 0;         // spent training before
  std::string document = {};  // of the cell, as JSON, so that the file can be read by itself
};

/// Writes beside and renames. Tensors keep their names; moments are "moment/<tensor>/<k>".
void write_checkpoint(const std::filesystem::path& file, Learner& learner, const CheckpointState& state);

/// Restores a learner. Nothing where there is no file. Throws std::runtime_error when the file is damaged or
/// is of another cell or model.
[[nodiscard]] std::optional<CheckpointState> read_checkpoint(const std::filesystem::path& file,
                                                             Learner& learner, const std::string& cell_id);

}  // namespace isorbit::experiments
