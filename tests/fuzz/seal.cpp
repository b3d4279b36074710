// The seal at the end of a finished file: any bytes are refused just when they end in a seal of other bytes;
// sealed ones pass, come back without it, and do not pass when a byte of them changes.
#include "core/record/seal.hpp"

#include "core/document/digest.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

constexpr std::string_view kTag = "isorbit-sha256:";
constexpr std::size_t kLength = kTag.size() + 64 + 1;

enum class Found { none, holds, broken };

Found found_in(std::vector<std::byte> bytes) {
  try {
    return core::drop_seal(bytes, "sealed") ? Found::holds : Found::none;
  } catch (const std::runtime_error&) {
    return Found::broken;
  }
}

Found expected_of(std::string_view bytes) {
  if (bytes.size() < kLength || !bytes.substr(bytes.size() - kLength).starts_with(kTag)) return Found::none;
  const std::string_view body = bytes.substr(0, bytes.size() - kLength);
  return bytes.substr(body.size() + kTag.size(), 64) == core::sha256_hex(body) ? Found::holds : Found::broken;
}

}  // namespace

void seal(Input input) {
  const std::string_view text = text_of(input);
  const auto plain = std::as_bytes(std::span(text));
  const std::vector<std::byte> bytes(plain.begin(), plain.end());
  claim(found_in(bytes) == expected_of(text), "bytes are refused when their seal is that of others");
  std::vector<std::byte> sealed = bytes;
  core::add_seal(sealed);
  claim(found_in(sealed) == Found::holds, "sealed bytes pass");
  std::vector<std::byte> opened = sealed;
  (void)core::drop_seal(opened, "sealed");
  claim(opened == bytes, "and come back as they were");
  if (bytes.empty()) return;
  sealed[input[0] % bytes.size()] ^= std::byte{1};
  claim(found_in(sealed) == Found::broken, "a byte that changed is noticed");
}

}  // namespace isorbit::fuzz
