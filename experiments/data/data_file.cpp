#include "experiments/data/data_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace isorbit::experiments {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw DataError(path.string() + ": " + what);
}

[[noreturn]] void fail_changed(const std::filesystem::path& path, const std::string& what) {
  fail(path, what + " while it was in use; put the old file back and run again");
}

}  // namespace

DataFile::DataFile(std::filesystem::path file) : path_(std::move(file)) {
  // Without O_NONBLOCK a pipe of this name would block here for ever.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(path_, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    release();
    fail(path_, "is not a regular file");
  }
  size_ = static_cast<std::size_t>(status.st_size);
  modified_ = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

DataFile::~DataFile() { release(); }

DataFile::DataFile(DataFile&& other) noexcept
    : path_(std::move(other.path_)),
      size_(std::exchange(other.size_, 0)),
      modified_(other.modified_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

DataFile& DataFile::operator=(DataFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    size_ = std::exchange(other.size_, 0);
    modified_ = other.modified_;
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

void DataFile::release() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void DataFile::fail_shrunk(std::size_t now) const {
  fail_changed(path_, "shrank from " + std::to_string(size_) + " to " + std::to_string(now) + " bytes");
}

void DataFile::read(std::size_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) {
      check();
      fail_shrunk(offset);
    }
    offset += static_cast<std::size_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string DataFile::text() const {
  std::string text(size_, '\0');
  read(0, std::as_writable_bytes(std::span(text)));
  check();
  return text;
}

void DataFile::check() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail(path_, "can no longer be read");
  const auto now = static_cast<std::size_t>(status.st_size);
  if (now < size_) fail_shrunk(now);
  if (now > size_)
    fail_changed(path_, "grew from " + std::to_string(size_) + " to " + std::to_string(now) + " bytes");
  if (modified_ != Stamp{status.st_mtim.tv_sec, status.st_mtim.tv_nsec})
    fail_changed(path_, "was written to");
}

}  // namespace isorbit::experiments
