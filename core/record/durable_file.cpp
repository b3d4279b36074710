#include "core/record/durable_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int code) {
  throw std::runtime_error(path.string() + ": cannot " + what + ": " + std::generic_category().message(code));
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
  const auto folder = target.parent_path();
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
      part_(part_of(target_)),
      descriptor_(::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail(part_, "create", errno);
}

DurableFile::~DurableFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(part_.c_str());
}

void DurableFile::write(std::span<const std::byte> bytes) { write_fully(descriptor_, bytes, part_); }

void DurableFile::commit() {
  if (::fsync(descriptor_) != 0) fail(part_, "sync", errno);
  publish(part_, target_);
  ::close(descriptor_);
  descriptor_ = -1;
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

std::string sha256_of(std::span<const std::span<const std::byte>> pieces) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, 32> digest{};
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (const auto& piece : pieces)
    good = good && EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1;
  if (!good || EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available in this OpenSSL");
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string sha256_of(std::span<const std::byte> bytes) { return sha256_of(std::span(&bytes, 1)); }

std::string sha256_of(std::string_view text) { return sha256_of(std::as_bytes(std::span(text))); }

}  // namespace isorbit::core
