#include "core/record/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <stdexcept>
#include <system_error>

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int code) {
  throw std::system_error(code, std::generic_category(), path.string() + ": cannot " + what);
}

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, const char* what)
      : value_(::open(path.c_str(), flags | O_CLOEXEC)) {
    if (value_ < 0) fail(path, what, errno);
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

// No other thread, process or machine writes to it, whoever writes the same target at the same time.
std::filesystem::path part_of_our_own(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  std::filesystem::path part = target;
  part += "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-" +
          std::to_string(std::random_device()()) + ".part";
  return part;
}

void sync_path(const std::filesystem::path& path, int flags) {
  const Descriptor file(path, O_RDONLY | flags, "open to sync");
  // Some file systems cannot sync a folder (EINVAL); there is nothing better to do on them.
  if (::fsync(file.get()) != 0 && !(errno == EINVAL && (flags & O_DIRECTORY))) fail(path, "sync", errno);
}

}  // namespace

std::filesystem::path part_of(const std::filesystem::path& target) {
  std::filesystem::path part = target;
  part += ".part";
  return part;
}

void publish(const std::filesystem::path& part, const std::filesystem::path& target) {
  sync_path(part, 0);
  if (::rename(part.c_str(), target.c_str()) != 0) fail(target, "rename into place", errno);
  sync_folder(target.parent_path());
}

std::filesystem::path file_to_replace(const std::filesystem::path& path) {
  struct stat end {};
  const bool there = ::stat(path.c_str(), &end) == 0;
  if (!there && errno != ENOENT) fail(path, "replace", errno);
  if (there && !S_ISREG(end.st_mode)) fail(path, "replace", S_ISDIR(end.st_mode) ? EISDIR : EEXIST);
  std::filesystem::path last = path;
  while (std::filesystem::is_symlink(last)) last = last.parent_path() / std::filesystem::read_symlink(last);
  return last;
}

void sync_folder(const std::filesystem::path& folder) {
  sync_path(folder.empty() ? std::filesystem::path(".") : folder, O_DIRECTORY);
}

void write_fully(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path, "write", errno);
    if (written == 0) fail(path, "write", ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

DurableFile::DurableFile(std::filesystem::path target)
    : target_(std::move(target)),
      part_(part_of_our_own(target_)),
      descriptor_(::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail(target_, "create", errno);
}

DurableFile::~DurableFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(part_.c_str());
}

void DurableFile::write(std::span<const std::byte> bytes) { write_fully(descriptor_, bytes, target_); }

void DurableFile::permit(unsigned mode) {
  if (::fchmod(descriptor_, mode) != 0) fail(target_, "give permissions to", errno);
}

void DurableFile::commit() {
  if (::fsync(descriptor_) != 0) fail(target_, "sync", errno);
  publish(part_, target_);
  ::close(descriptor_);
  descriptor_ = -1;
}

void write_durably(const std::filesystem::path& target, std::span<const std::byte> bytes) {
  DurableFile file(target);
  file.write(bytes);
  file.commit();
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY, "open");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, "read", errno);
  if (!S_ISREG(status.st_mode))
    throw std::runtime_error(path.string() + ": found something that is not a regular file");
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read", errno);
    if (got == 0) break;  // it shrank meanwhile
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace isorbit::core
