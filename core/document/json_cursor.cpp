#include "core/document/json_cursor.hpp"

#include <algorithm>
#include <cstring>

namespace isorbit::core {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The length of the JSON number that `text` begins with: as far as the grammar goes, so 1 for "01".
std::size_t number_length(std::string_view text) {
  std::size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto digits = [&] {
    while (peek() >= '0' && peek() <= '9') ++at;
  };
  if (peek() == '-') ++at;
  if (peek() == '0') {
    ++at;
  } else {
    digits();
  }
  if (peek() == '.') {
    ++at;
    digits();
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at;
    if (peek() == '+' || peek() == '-') ++at;
    digits();
  }
  return at;
}

}  // namespace

void JsonCursor::advance(std::size_t count) {
  for (; count > 0 && !at_end(); --count, ++offset_) {
    const auto byte = static_cast<unsigned char>(text_[offset_]);
    if (byte == '\n') {
      ++line_;
      column_ = 1;
    } else if ((byte & 0xC0U) != 0x80U) {
      ++column_;
    }
  }
}

void JsonCursor::skip_space() {
  while (!at_end() && is_space(peek())) advance();
}

void JsonCursor::skip_separators() {
  while (!at_end() && (is_space(peek()) || peek() == ',' || peek() == ':')) advance();
}

void JsonCursor::skip_token() {
  if (peek() == '"') {
    for (advance(); !at_end() && peek() != '"';) advance(peek() == '\\' ? 2 : 1);
    advance();
  } else if (std::strchr("tfn", peek()) != nullptr) {
    advance(peek() == 'f' ? 5 : 4);  // true, false, null
  } else {
    advance(std::max<std::size_t>(1, number_length(rest())));
  }
}

// Table 3-7 of the Unicode Standard: the second byte of E0, ED, F0 and F4 has a narrower range.
std::size_t utf8_length(std::string_view bytes) {
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto between = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const unsigned first = byte(0);
  if (bytes.empty()) return 0;
  if (first < 0x80) return 1;
  const bool third = between(byte(2), 0x80, 0xBF), fourth = between(byte(3), 0x80, 0xBF);
  if (between(first, 0xC2, 0xDF)) return between(byte(1), 0x80, 0xBF) ? 2 : 0;
  if (between(first, 0xE0, 0xEF)) {
    return between(byte(1), first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && third ? 3 : 0;
  }
  if (between(first, 0xF0, 0xF4)) {
    return between(byte(1), first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && third && fourth ? 4
                                                                                                         : 0;
  }
  return 0;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace isorbit::core
