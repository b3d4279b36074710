// `isorbit export CELL --format safetensors`: the weights of a cell as other programs read them.
#pragma once
#include <filesystem>
#include <optional>

#include "core/record/run_file.hpp"
#include "experiments/program/verb.hpp"

namespace isorbit::experiments {

/// Writes model.safetensors and config.json into `output`, else into <cell>/hugging_face, and says where on
/// err. Links that stand at these names are followed. Throws UsageError where something else than a folder or
/// than files stands there, core::NoSeal.
void export_weights(Console& console, const std::filesystem::path& cell,
                    const std::optional<std::string>& output, core::Seal seal);

}  // namespace isorbit::experiments
