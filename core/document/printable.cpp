#include "core/document/printable.hpp"

#include <array>
#include <cstdint>

#include "core/document/json_cursor.hpp"

namespace isorbit::core {
namespace {

std::string hex(std::uint32_t value, int digits) {
  std::string out;
  for (int i = digits - 1; i >= 0; --i) out += "0123456789abcdef"[value >> 4 * i & 15];
  return out;
}

std::string byte_escape(char byte) {
  std::string digits = hex(static_cast<unsigned char>(byte), 2);
  for (char& c : digits)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return "\\x" + digits;
}

// The code point of a well-formed UTF-8 character.
std::uint32_t code_point(std::string_view character) {
  constexpr std::array<unsigned, 5> first{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t code = static_cast<unsigned char>(character[0]) & first[character.size()];
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

// C0, DEL and C1, U+2028 and U+2029, and the controls of bidirectional text.
bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string control_escape(std::uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  return "\\u" + hex(code, 4);
}

enum class Controls { kept, escaped, lines };

std::string cleaned(std::string_view text, Controls controls) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += byte_escape(text[0]);
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = text.substr(0, length);
    const std::uint32_t code = code_point(character);
    const bool kept =
        controls == Controls::kept || !is_control(code) || (code == '\n' && controls == Controls::lines);
    if (kept)
      out += character;
    else
      out += control_escape(code);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string as_utf8(std::string_view text) {
  return is_utf8(text) ? std::string(text) : cleaned(text, Controls::kept);
}

std::string printable(std::string_view text) { return cleaned(text, Controls::escaped); }

std::string printable_lines(std::string_view text) { return cleaned(text, Controls::lines); }

}  // namespace isorbit::core
