// Remembered SHA-256 of files, and files written beside and renamed.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "experiments/data/data_error.hpp"

namespace isorbit::experiments {

/// SHA-256 of a file, remembered in the cache folder by device and inode for as long as the file's size and
/// modification time stay the same. Throws DataError.
[[nodiscard]] std::string file_sha256(const std::filesystem::path& file);

/// Writes `bytes` to a file of its own beside `file` and renames it into place, so that a reader sees the old
/// bytes or the new ones and two writers may race. Throws DataError with the path and the system's reason.
void write_and_rename(const std::filesystem::path& file, std::span<const std::byte> bytes);

}  // namespace isorbit::experiments
