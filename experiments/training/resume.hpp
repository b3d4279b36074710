// What a life of a cell goes on from: the newest checkpoint of an earlier attempt that can be trusted.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/document/json.hpp"
#include "experiments/training/checkpoint.hpp"

namespace isorbit::experiments {

struct Resumption {
  std::filesystem::path attempt;  // its folder
  CheckpointState state;
  std::vector<core::Json> rows;  // of its journal, up to the step of the state
};

/// Restores the learner from the first of `attempts` (newest first) whose checkpoint is undamaged and of this
/// cell and whose journal reaches its step; nothing where there is none. `note` is told of every checkpoint
/// that is passed over: the file, what is wrong with it, and from where the cell goes on instead. Throws
/// std::system_error where a checkpoint or its journal is there and cannot be read.
[[nodiscard]] std::optional<Resumption> resume_from(std::span<const std::filesystem::path> attempts,
                                                    Learner& learner, const std::string& cell_id,
                                                    const std::function<void(const std::string&)>& note);

}  // namespace isorbit::experiments
