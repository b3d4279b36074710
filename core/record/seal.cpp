#include "core/record/seal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "core/document/digest.hpp"
#include "core/record/durable_file.hpp"

namespace isorbit::core {
namespace {

constexpr std::string_view tag = "isorbit-sha256:";
constexpr std::size_t seal_bytes = tag.size() + 64 + 1;

}  // namespace

void seal(const std::filesystem::path& file) {
  const std::string text = std::string(tag) + sha256_hex(read_bytes(file)) + "\n";
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0)
    throw std::runtime_error(file.string() + ": cannot seal: " + std::generic_category().message(errno));
  try {
    write_fully(descriptor, std::as_bytes(std::span(text)), file);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

void check_seal(const std::filesystem::path& file) {
  const auto bytes = read_bytes(file);
  if (bytes.size() < seal_bytes) return;
  const auto* end = reinterpret_cast<const char*>(bytes.data()) + bytes.size();
  const std::string_view found(end - seal_bytes, seal_bytes);
  if (!found.starts_with(tag)) return;
  const auto body = std::span<const std::byte>(bytes).first(bytes.size() - seal_bytes);
  if (found.substr(tag.size(), 64) != sha256_hex(body))
    throw std::runtime_error(
        file.string() + ": the SHA-256 at its end does not hold: the file was damaged since it was sealed");
}

}  // namespace isorbit::core
