// What a sweep's folder says about itself: plan.json, a line per cell, as the newest isorbit run or submit
// was asked for. It lets the folder be read without the documents it came from. What earlier ones were asked
// for is kept beside it (kept_plans.hpp).
#pragma once
#include <filesystem>

#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"

namespace isorbit::experiments {

[[nodiscard]] core::Json manifest_of(const Sweep& sweep);
/// {"arm", "id", "folder"} of a cell, {"file", "sha256"} of a file.
[[nodiscard]] core::Json from_json(const CellStart& from);

/// The same as plan.json has it. Throws std::runtime_error where that is longer than read_manifest reads.
[[nodiscard]] std::string manifest_text(const Sweep& sweep);

[[nodiscard]] inline std::filesystem::path manifest_path(const std::filesystem::path& folder) {
  return folder / "plan.json";
}

/// Writes <folder>/plan.json whole or not at all. Throws std::runtime_error naming the path.
void write_manifest(const std::filesystem::path& folder, const Sweep& sweep);

/// A sweep without documents. Throws DocumentError: no such file, or not what write_manifest wrote.
[[nodiscard]] Sweep read_manifest(const std::filesystem::path& folder);

}  // namespace isorbit::experiments
