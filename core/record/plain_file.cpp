#include "core/record/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string() + ": cannot read");
}

}  // namespace

PlainFile::PlainFile(const std::filesystem::path& path)
    : path_(path), file_(path, O_RDONLY | O_NONBLOCK, "open") {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) fail(path);
  if (!S_ISREG(status.st_mode))
    throw std::runtime_error(path.string() + ": found something that is not a regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

std::size_t PlainFile::read(std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::read(file_.get(), out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace isorbit::core
