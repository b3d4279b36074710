// Two reasons for which a reader throws, never to be taken for each other: what a file holds is wrong, or it
// cannot be told what it holds (no permission, no descriptor left, a failing disk, no memory). Only the first
// is damage. Readers throw std::system_error or std::bad_alloc for the second.
#pragma once
#include <sys/stat.h>

#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace isorbit::core {

/// Whether an error says that something could not be read, and so nothing of its content. Of a file that is
/// not there all is told.
[[nodiscard]] bool is_unreadable(const std::exception& error);

/// Whether there is something of this name, be it a link to nothing. Throws std::system_error where that
/// cannot be told.
[[nodiscard]] bool is_there(const std::filesystem::path& path);

/// stat(2); nothing where there is no such file. Throws as is_there.
[[nodiscard]] std::optional<struct stat> status_of(const std::filesystem::path& path);

/// What `read` finds wrong with a file's content, in its words; empty: nothing. Throws what says that the
/// content could not be read.
template <class Read>
[[nodiscard]] std::string damage_in(Read&& read) {
  try {
    std::forward<Read>(read)();
  } catch (const std::exception& error) {
    if (is_unreadable(error)) throw;
    return error.what();
  }
  return {};
}

}  // namespace isorbit::core
