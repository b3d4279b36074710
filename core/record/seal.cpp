#include "core/record/seal.hpp"

#include <span>
#include <stdexcept>
#include <string_view>

#include "core/document/digest.hpp"

namespace isorbit::core {
namespace {

constexpr std::string_view tag = "isorbit-sha256:";
constexpr std::size_t seal_bytes = tag.size() + 64 + 1;

}  // namespace

void add_seal(std::vector<std::byte>& bytes) {
  const std::string text = std::string(tag) + sha256_hex(bytes) + "\n";
  const auto added = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), added.begin(), added.end());
}

bool drop_seal(std::vector<std::byte>& bytes, const std::string& name) {
  if (bytes.size() < seal_bytes) return false;
  const std::size_t length = bytes.size() - seal_bytes;
  const std::string found(reinterpret_cast<const char*>(bytes.data()) + length, seal_bytes);
  if (!found.starts_with(tag)) return false;
  bytes.resize(length);
  if (found.substr(tag.size(), 64) != sha256_hex(bytes))
    throw std::runtime_error(
        name + ": the SHA-256 at its end does not hold: the file was damaged since it was sealed");
  return true;
}

}  // namespace isorbit::core
