// `isorbit export CELL --format safetensors`: the weights of a cell as other programs read them.
#pragma once
#include <filesystem>
#include <optional>

#include "experiments/program/verb.hpp"

namespace isorbit::experiments {

/// Writes model.safetensors and config.json into `output`, else into <cell>/hugging_face, and says where on
/// err.
void export_weights(Console& console, const std::filesystem::path& cell,
                    const std::optional<std::string>& output);

}  // namespace isorbit::experiments
