// A second name for a finished file, given at once or not at all, and never in place of another file.
//
// A hard link where the file system has them (no bytes are copied); else a copy written beside and renamed by
// renameat2(RENAME_NOREPLACE).
#pragma once
#include <filesystem>

namespace isorbit::core {

/// Gives `file` the name `name` too. False where something has that name already, unless it is this file.
/// Throws std::system_error naming the path and the cause.
bool name_again(const std::filesystem::path& file, const std::filesystem::path& name);

}  // namespace isorbit::core
