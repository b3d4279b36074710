#include "experiments/sweep/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>

namespace isorbit::experiments {
namespace {

/// False when another holds a lock that excludes this one.
bool lock(const core::Descriptor& file, int kind, const std::filesystem::path& path) {
  while (::flock(file.get(), kind | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), path.string() + ": cannot lock");
  }
  return true;
}

}  // namespace

std::optional<FileLock> FileLock::take(const std::filesystem::path& file) {
  FileLock held(core::Descriptor(file, O_RDWR | O_CREAT, "open"));
  if (!lock(held.file_, LOCK_EX, file)) return {};
  return held;
}

// With a shared lock of its own, so that two that look at once do not take each other for the holder.
bool FileLock::is_taken(const std::filesystem::path& file) {
  try {
    return !lock(core::Descriptor(file, O_RDONLY | O_NONBLOCK, "open"), LOCK_SH, file);
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOENT && error.code().value() != ENOTDIR) throw;
    return false;
  }
}

bool FileLock::means_none(int code) {
  return code == ENOLCK || code == EOPNOTSUPP || code == ENOSYS || code == EINVAL || code == EPERM;
}

}  // namespace isorbit::experiments
