// Names of cells for people and for the file system.
#pragma once
#include <filesystem>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// True for 1 to 100 letters, digits, '.', '_', '-' and '+', not starting with a dot: a name that is also a
/// folder's.
[[nodiscard]] bool is_plain_name(const std::string& name);

/// "model.width=24, model.depth=2"
[[nodiscard]] std::string constants_text(const char* group, const core::Json& constants);

/// <arm>/<changed values>-s<seed>-<id8>, other characters replaced by '_'.
[[nodiscard]] std::filesystem::path folder_of(const Cell& cell);

}  // namespace isorbit::experiments
