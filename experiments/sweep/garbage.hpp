// Files of a sweep that nobody needs any more.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"
#include "experiments/sweep/sweep_folder.hpp"

namespace isorbit::experiments {

struct Garbage {
  std::filesystem::path path;  // a folder or a file
  std::string why;
  std::uint64_t bytes = 0;  // that its removal frees: a file with another name elsewhere counts for nothing
};

/// Attempts of cells that are complete (their files are read to the byte first), attempts of other cells that
/// later ones follow, with `failed` also those that failed, and claims that were begun and never made. Of a
/// cell that is not complete the newest attempt, the two newest with a checkpoint and those with weights are
/// never among them, nor is anything whose owner may be alive. Throws std::system_error where something
/// cannot be read, so that it cannot be told what is needed.
[[nodiscard]] std::vector<Garbage> garbage_of(const SweepFolder& sweep_folder, const Cell& cell, bool failed);

/// Removes it. Throws std::filesystem::filesystem_error.
void remove_garbage(const Garbage& garbage);

}  // namespace isorbit::experiments
