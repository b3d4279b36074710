#include "experiments/sweep/cell_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace isorbit::experiments {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

bool lock(int descriptor, const std::filesystem::path& path) {
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) fail(path);
  }
  return true;
}

}  // namespace

std::optional<CellLock> CellLock::take(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / "lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) fail(path);
  CellLock held(descriptor);
  if (!lock(descriptor, path)) return {};
  return held;
}

bool CellLock::is_taken(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "lock";
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const CellLock held(descriptor);
  return !lock(descriptor, path);
}

CellLock::~CellLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace isorbit::experiments
