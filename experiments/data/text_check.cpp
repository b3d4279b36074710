#include "experiments/data/text_check.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "core/document/json_cursor.hpp"

namespace isorbit::experiments {
namespace {

struct Kind {
  std::string_view magic, name, remedy;
};

using namespace std::string_view_literals;

constexpr std::array kinds = {Kind{"\x1f\x8b"sv, "gzip", "unpack it: gzip -d"},
                              Kind{"\x28\xb5\x2f\xfd"sv, "zstd", "unpack it: zstd -d"},
                              Kind{"\xfd\x37\x7a\x58\x5a\0"sv, "xz", "unpack it: xz -d"},
                              Kind{"\x04\x22\x4d\x18"sv, "lz4", "unpack it: lz4 -d"},
                              Kind{"BZh"sv, "bzip2", "unpack it: bzip2 -d"},
                              Kind{"PK\x03\x04"sv, "zip", "unpack it: unzip"},
                              Kind{"7z\xbc\xaf\x27\x1c"sv, "7z", "unpack it: 7z x"},
                              Kind{"PAR1"sv, "Parquet", "write its text column into a file"},
                              Kind{"\xff\xfe"sv, "UTF-16", "convert it: iconv -f utf16 -t utf8"},
                              Kind{"\xfe\xff"sv, "UTF-16", "convert it: iconv -f utf16 -t utf8"}};

std::string place(std::size_t line, std::size_t byte) {
  return "byte " + std::to_string(byte) + " of line " + std::to_string(line);
}

/// Bytes of text in a line of a text that may end within a piece of it.
struct Position {
  std::size_t line = 1, byte = 0;

  void pass(std::string_view text) {
    line += static_cast<std::size_t>(std::ranges::count(text, '\n'));
    const std::size_t newline = text.rfind('\n');
    byte = newline == std::string_view::npos ? byte + text.size() : text.size() - newline - 1;
  }
};

}  // namespace

void check_text(const DataFile& file) {
  std::vector<char> some(std::size_t{1} << 20);
  Position at;
  for (std::size_t offset = 0; offset < file.size(); offset += some.size()) {
    const auto part = std::span(some).first(std::min(some.size(), file.size() - offset));
    file.read(offset, std::as_writable_bytes(part));
    const std::string_view text(part.data(), part.size());
    for (const Kind& kind : kinds)
      if (offset == 0 && text.starts_with(kind.magic))
        throw DataError(file.path().string() + ": found " + std::string(kind.name) +
                        " data by its first bytes; expected plain text; " + std::string(kind.remedy));
    const std::size_t zero = text.find('\0');
    at.pass(text.substr(0, zero));
    if (zero != std::string_view::npos)
      throw DataError(file.path().string() + ": found a 0 as " + place(at.line, at.byte + 1) +
                      "; expected plain text; because no text has one: this is binary, or UTF-16 (iconv -f "
                      "utf16 -t utf8)");
  }
  file.check();
}

void check_utf8(std::string_view text, const std::string& where) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t length = core::utf8_length(rest);
    if (length == 0) break;
    rest.remove_prefix(length);
  }
  if (rest.empty()) return;
  Position at;
  at.pass(text.substr(0, text.size() - rest.size()));
  char code[8];
  std::snprintf(code, sizeof code, "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(rest[0])));
  throw DataError(
      where + ": found " + code + " as " + place(at.line, at.byte + 1) +
      ", which is not UTF-8; expected UTF-8 text; use the tokenizer \"bytes\", or convert it: iconv "
      "-f latin1 -t utf8");
}

}  // namespace isorbit::experiments
