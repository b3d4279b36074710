#include "core/record/unreadable.hpp"

#include <cerrno>
#include <system_error>

#include "core/runtime/memory_error.hpp"

namespace isorbit::core {
namespace {

bool means_gone(int code) { return code == ENOENT || code == ENOTDIR; }

/// False where there is nothing.
template <class Ask>
bool answered(const Ask& ask, const std::filesystem::path& path, struct stat& status) {
  int code = 0;
  do code = ask(path.c_str(), &status) == 0 ? 0 : errno;
  while (code == EINTR);
  if (code == 0 || means_gone(code)) return code == 0;
  throw std::system_error(code, std::generic_category(), path.string() + ": cannot tell whether it is there");
}

}  // namespace

bool is_unreadable(const std::exception& error) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  return system != nullptr ? !means_gone(system->code().value()) : is_out_of_memory(error);
}

bool is_there(const std::filesystem::path& path) {
  struct stat status {};
  return answered(::lstat, path, status);
}

std::optional<struct stat> status_of(const std::filesystem::path& path) {
  struct stat status {};
  return answered(::stat, path, status) ? std::optional(status) : std::nullopt;
}

}  // namespace isorbit::core
