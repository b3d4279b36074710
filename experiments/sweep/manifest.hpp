// What a sweep's folder says about itself: plan.json, one entry per cell. It lets the folder be read without
// the documents it came from.
#pragma once
#include <filesystem>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

[[nodiscard]] core::Json manifest_of(const Sweep& sweep);
/// {"arm", "id", "folder"} of a cell, {"file", "sha256"} of a file.
[[nodiscard]] core::Json from_json(const CellStart& from);

/// Writes <folder>/plan.json whole or not at all. Throws std::runtime_error naming the path.
void write_manifest(const std::filesystem::path& folder, const Sweep& sweep);

/// Throws DocumentError where the manifest in `folder`, if there is one, is of a sweep on other data of the
/// same names.
void check_data(const std::filesystem::path& folder, const Sweep& sweep);

/// A sweep without documents. Throws DocumentError: no such file, or not what write_manifest wrote.
[[nodiscard]] Sweep read_manifest(const std::filesystem::path& folder);

/// Where the cell's files are in a sweep's folder: the folder that carries its id where there is one (labels
/// change when axes are added, ids do not), else its own.
[[nodiscard]] std::filesystem::path locate(const std::filesystem::path& sweep_folder, const Cell& cell);

}  // namespace isorbit::experiments
