// A second name for a finished file, given at once or not at all: a hard link where the file system has them
// (no bytes are copied), else a copy that keeps the file's time.
#pragma once
#include <filesystem>

namespace isorbit::core {

/// Gives `file` the name `name` too, never in place of another file. False where something has that name
/// already, unless it is this file. A copy's name is taken first, by an empty file. Throws std::system_error
/// naming the path and the cause.
bool name_again(const std::filesystem::path& file, const std::filesystem::path& name);

/// Whether two names are of one file. False where either is missing. Throws std::system_error where it cannot
/// be told.
[[nodiscard]] bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace isorbit::core
