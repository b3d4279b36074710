#include "core/record/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw std::system_error(errno, std::generic_category(), path.string() + ": cannot " + what);
}

}  // namespace

Descriptor::Descriptor(const std::filesystem::path& path, int flags, const char* what) {
  do value_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  while (value_ < 0 && errno == EINTR);
  if (value_ < 0) fail(path, what);
}

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

void Descriptor::sync(const std::filesystem::path& path) const {
  int result = 0;
  do result = ::fsync(value_);
  while (result != 0 && errno == EINTR);
  if (result != 0) fail(path, "sync");
}

}  // namespace isorbit::core
