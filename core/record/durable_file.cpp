#include "core/record/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <system_error>

#include "core/record/plain_file.hpp"

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int code) {
  throw std::system_error(code, std::generic_category(), path.string() + ": cannot " + what);
}

// No other thread, process or machine writes to it, whoever writes the same target at the same time.
std::filesystem::path part_of_our_own(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  std::filesystem::path part = target;
  part += "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-" +
          std::to_string(std::random_device()()) + ".part";
  return part;
}

}  // namespace

std::filesystem::path part_of(const std::filesystem::path& target) {
  std::filesystem::path part = target;
  part += ".part";
  return part;
}

void publish(const std::filesystem::path& part, const std::filesystem::path& target) {
  Descriptor(part, O_RDONLY, "open to sync").sync(part);
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
  const std::filesystem::path at = folder.empty() ? std::filesystem::path(".") : folder;
  try {
    Descriptor(at, O_RDONLY | O_DIRECTORY, "open to sync").sync(at);
  } catch (const std::system_error& error) {
    // Some file systems cannot sync a folder; there is nothing better to do on them.
    if (error.code().value() != EINVAL) throw;
  }
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
    : target_(std::move(target)), part_(part_of_our_own(target_)) {
  try {
    file_.emplace(part_, O_WRONLY | O_CREAT | O_EXCL, "create");
  } catch (const std::system_error& error) {
    fail(target_, "create", error.code().value());
  }
}

DurableFile::~DurableFile() {
  if (file_) ::unlink(part_.c_str());
}

void DurableFile::write(std::span<const std::byte> bytes) { write_fully(file_->get(), bytes, target_); }

void DurableFile::permit(unsigned mode) {
  if (::fchmod(file_->get(), mode) != 0) fail(target_, "give permissions to", errno);
}

void DurableFile::commit() {
  file_->sync(target_);
  publish(part_, target_);
  file_.reset();
}

void write_durably(const std::filesystem::path& target, std::span<const std::byte> bytes) {
  DurableFile file(target);
  file.write(bytes);
  file.commit();
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  const PlainFile file(path);
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  bytes.resize(file.read(bytes));  // it may have shrunk meanwhile
  return bytes;
}

}  // namespace isorbit::core
