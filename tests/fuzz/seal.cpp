// The seal at the end of a finished file: any file is refused just when it ends in a seal of other bytes;
// once sealed it passes, and does not when a byte of it changes.
#include "core/record/seal.hpp"

#include "core/document/digest.hpp"
#include "tests/fuzz/scratch.hpp"

namespace isorbit::fuzz {
namespace {

bool passes(std::string_view bytes) {
  try {
    core::check_seal(scratch_file("sealed", bytes));
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

bool should_pass(std::string_view bytes) {
  constexpr std::string_view tag = "isorbit-sha256:";
  constexpr std::size_t length = tag.size() + 64 + 1;
  if (bytes.size() < length || !bytes.substr(bytes.size() - length).starts_with(tag)) return true;
  const std::string_view body = bytes.substr(0, bytes.size() - length);
  return bytes.substr(body.size() + tag.size(), 64) == core::sha256_hex(body);
}

}  // namespace

void seal(Input input) {
  const std::string_view bytes = text_of(input);
  claim(passes(bytes) == should_pass(bytes), "a file is refused when its seal is that of other bytes");
  const std::filesystem::path file = scratch_file("sealed", bytes);
  core::seal(file);
  std::string sealed = contents_of(file);
  claim(sealed.starts_with(bytes) && passes(sealed), "a sealed file passes");
  if (bytes.empty()) return;
  sealed[input[0] % bytes.size()] ^= 1;
  claim(!passes(sealed), "a byte that changed is noticed");
}

}  // namespace isorbit::fuzz
