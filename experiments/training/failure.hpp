// Why a cell failed, on disk, so that status can say it whoever ran the cell.
#pragma once
#include <filesystem>
#include <string>

namespace isorbit::experiments {

/// Writes {"reason"} to <folder>/failed.json, making the folder. A disk that fails for this too is no error:
/// the reason is also in the result of the run.
void keep_reason(const std::filesystem::path& folder, const std::string& reason);

}  // namespace isorbit::experiments
