// All that a run must remember to go on as if it had never stopped: tensors, moments, ages, intervals, the
// step.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

/// What the last update still owes: a stop may come before it is measured, its events and its validation.
struct Owed {
  bool validation = false, measures = false, events = false;
  std::int64_t batches = 0;  // of the validation that are done
  double loss = 0;           // their sum, each times its share (BatchSource::valid_share), nats
  [[nodiscard]] bool any() const { return validation || measures || events; }
};

struct CheckpointState {
  std::string cell_id;
  std::int64_t step = 0;
  double seconds = 0;  // spent training before
  Owed owed = {};
  std::string document = {};  // of the cell, as JSON, so that the file can be read by itself
  /// The last step whose events are done, and which so has a link of the replay chain.
  [[nodiscard]] std::int64_t linked() const { return owed.events ? step - 1 : step; }
};

[[nodiscard]] inline std::filesystem::path checkpoint_path(const std::filesystem::path& attempt) {
  return attempt / "checkpoint.safetensors";
}

/// Writes beside and renames. Tensors keep their names; moments are "moment/<tensor>/<k>".
void write_checkpoint(const std::filesystem::path& file, Learner& learner, const CheckpointState& state);

/// Restores a learner. Nothing where there is no file. Throws std::runtime_error when the file is damaged or
/// is of another cell or model; the learner is then as it was.
[[nodiscard]] std::optional<CheckpointState> read_checkpoint(const std::filesystem::path& file,
                                                             Learner& learner, const std::string& cell_id);

}  // namespace isorbit::experiments
