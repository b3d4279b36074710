// Says what is wrong with a JSON text at the place where the parser gave up. The parser only says that a
// token was refused; the token is read again here, and the state before it tells what could have stood there.
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/document/json_cursor.hpp"

namespace isorbit::core {
namespace {

constexpr std::string_view kNumberForm =
    "JSON numbers start with a digit or '-', have no leading zeros, and have digits on both sides of the "
    "point";

struct Expectation {
  std::string words;
  bool key = false;
  bool value = false;
};

/// Skips the separator that may come next and says what has to follow it.
Expectation expect_next(JsonCursor& cursor, JsonState state) {
  const auto skips = [&](char separator) {
    if (cursor.peek() != separator) return false;
    cursor.advance();
    cursor.skip_space();
    return true;
  };
  switch (state) {
    case JsonState::start:
      return {"a value", false, true};
    case JsonState::object_opened:
      return {"a key in double quotes or '}'", true, false};
    case JsonState::list_opened:
      return {"a value or ']'", false, true};
    case JsonState::key:
      return skips(':') ? Expectation{"a value", false, true} : Expectation{"':'"};
    case JsonState::member:
      return skips(',') ? Expectation{"a key in double quotes", true, false} : Expectation{"',' or '}'"};
    case JsonState::element:
      return skips(',') ? Expectation{"a value", false, true} : Expectation{"',' or ']'"};
    case JsonState::finished:
      break;
  }
  return {"the end of the file"};
}

std::string hexadecimal(const char* form, unsigned value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), form, value);
  return text.data();
}

Problem problem_at(const JsonCursor& cursor, std::string found, std::string expected,
                   std::string because = {}, std::string suggestion = {}) {
  return {{},
          cursor.position(),
          {},
          std::move(found),
          std::move(expected),
          std::move(because),
          std::move(suggestion)};
}

/// The code unit of the \uXXXX escape at the cursor, or -1.
int escaped_unit(const JsonCursor& cursor) {
  int unit = 0;
  if (cursor.peek() != '\\' || cursor.peek(1) != 'u') return -1;
  for (std::size_t i = 2; i < 6; ++i) {
    const char c = cursor.peek(i);
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return -1;
    unit = unit * 16 + (c <= '9' ? c - '0' : std::tolower(c) - 'a' + 10);
  }
  return unit;
}

/// Moves over one escape sequence, or explains why it is none.
std::optional<Problem> explain_escape(JsonCursor& cursor) {
  if (cursor.peek(1) != 'u') {
    const bool known = cursor.peek(1) != '\0' && std::strchr("\"\\/bfnrt", cursor.peek(1)) != nullptr;
    if (!known) {
      const std::size_t length = 1 + utf8_length(cursor.rest().substr(1));
      return problem_at(cursor, "the escape " + std::string(cursor.rest().substr(0, length)),
                        R"(one of \" \\ \/ \b \f \n \r \t \uXXXX)", {}, R"(\\ for a backslash)");
    }
    cursor.advance(2);
    return {};
  }
  const int unit = escaped_unit(cursor);
  if (unit < 0) return problem_at(cursor, "an incomplete \\u escape", "\\u and four hexadecimal digits");
  const JsonCursor first = cursor;
  cursor.advance(6);
  if (unit < 0xD800 || unit > 0xDFFF) return {};
  const int low = escaped_unit(cursor);
  if (unit > 0xDBFF || low < 0xDC00 || low > 0xDFFF) {
    return problem_at(first, std::string(first.rest().substr(0, 6)) + ", half of a surrogate pair",
                      "both halves, \\uD800-\\uDBFF then \\uDC00-\\uDFFF");
  }
  cursor.advance(6);
  return {};
}

/// Moves over the text at the cursor, or explains the first fault inside it.
std::optional<Problem> explain_text(JsonCursor& cursor) {
  const Position start = cursor.position();
  cursor.advance();
  while (!cursor.at_end() && cursor.peek() != '"') {
    const auto byte = static_cast<unsigned char>(cursor.peek());
    if (byte == '\n' || byte == '\r') {
      return problem_at(cursor, "a line break inside a text", "'\"' or the escape \\n");
    }
    if (byte < 0x20) {
      return problem_at(cursor, hexadecimal("control character U+%04X inside a text", byte),
                        hexadecimal("the escape \\u%04x", byte));
    }
    if (byte == '\\') {
      if (cursor.rest().size() == 1) {
        cursor.advance();
        break;
      }
      if (auto fault = explain_escape(cursor)) return fault;
      continue;
    }
    const std::size_t length = utf8_length(cursor.rest());
    if (length == 0)
      return problem_at(cursor, hexadecimal("byte 0x%02X, which is not UTF-8", byte), "UTF-8 text");
    cursor.advance(length);
  }
  if (cursor.at_end()) {
    return problem_at(cursor, "end of file", "'\"'",
                      "a text starts at " + std::to_string(start.line) + ":" + std::to_string(start.column));
  }
  cursor.advance();
  return {};
}

bool is_number(std::string_view word) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < word.size() && word[at] >= '0' && word[at] <= '9') ++at;
    return at - start;
  };
  const auto skip_any = [&](std::string_view set) {
    return at < word.size() && set.find(word[at]) != std::string_view::npos && ++at > 0;
  };
  skip_any("-");
  const bool zero = at < word.size() && word[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (skip_any(".") && digits() == 0) return false;
  if (skip_any("eE")) {
    skip_any("+-");
    if (digits() == 0) return false;
  }
  return at == word.size();
}

std::string cut(std::string_view word) {
  std::size_t length = 0;
  while (length < word.size() && length < 60) {
    const std::size_t step = utf8_length(word.substr(length));
    if (step == 0) break;
    length += step;
  }
  return std::string(word.substr(0, length)) + (length < word.size() ? "..." : "");
}

Problem explain_word(const JsonCursor& start, std::string_view word, const Expectation& next) {
  const bool numeric = std::strchr("+-.0123456789", word.front()) != nullptr;
  const std::string found = cut(word);
  if (next.value) {
    std::string bare(word.substr(numeric ? word.find_first_not_of("+-.0123456789") == std::string_view::npos
                                               ? word.size()
                                               : word.find_first_not_of("+-.")
                                         : 0));
    for (char& c : bare) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (bare == "nan" || bare == "inf" || bare == "infinity")
      return problem_at(start, found, "a finite number");
    if (numeric) {
      if (is_number(word)) return problem_at(start, found, "a finite number", "it is beyond 1.8e308");
      return problem_at(start, found, "a number", std::string(kNumberForm));
    }
    if (bare == "true" || bare == "false" || bare == "null")
      return problem_at(start, found, next.words, {}, bare);
    if (bare == "none" || bare == "undefined") return problem_at(start, found, next.words, {}, "null");
  }
  if (!next.key && !next.value) return problem_at(start, found, next.words);
  return problem_at(start, found, next.words, "keys and texts stand in double quotes", '"' + found + '"');
}

}  // namespace

Problem explain_fault(JsonCursor cursor, JsonState state) {
  cursor.skip_space();
  const Expectation next = expect_next(cursor, state);
  if (cursor.at_end()) return problem_at(cursor, "end of file", next.words);
  const JsonCursor start = cursor;
  const auto byte = static_cast<unsigned char>(cursor.peek());
  if (byte == '#' || (byte == '/' && (cursor.peek(1) == '/' || cursor.peek(1) == '*'))) {
    return problem_at(start, "a comment", next.words, "JSON has no comments",
                      "a key that starts with \"x-\"");
  }
  if (byte == '"') {
    if (auto fault = explain_text(cursor)) return *fault;
    return problem_at(start, cut(cursor.since(start.offset())), next.words);
  }
  if (byte == '\'')
    return problem_at(start, "a single quote", next.words, "keys and texts stand in double quotes");
  if ((byte == '}' && state == JsonState::member) || (byte == ']' && state == JsonState::element)) {
    const bool after_comma = next.key || next.value;
    return problem_at(start, std::string("'") + static_cast<char>(byte) + "'", next.words,
                      after_comma ? "nothing follows the comma before it" : "");
  }
  if (byte < 0x20) return problem_at(start, hexadecimal("control character U+%04X", byte), next.words);
  if (std::isalnum(byte) != 0 || std::strchr("+-._$", static_cast<char>(byte)) != nullptr) {
    while (std::isalnum(static_cast<unsigned char>(cursor.peek())) != 0 ||
           (cursor.peek() != '\0' && std::strchr("+-._$", cursor.peek()) != nullptr)) {
      cursor.advance();
    }
    return explain_word(start, cursor.since(start.offset()), next);
  }
  const std::size_t length = utf8_length(cursor.rest());
  if (length == 0) return problem_at(start, hexadecimal("byte 0x%02X, which is not UTF-8", byte), next.words);
  return problem_at(start, "'" + std::string(cursor.rest().substr(0, length)) + "'", next.words);
}

}  // namespace isorbit::core
