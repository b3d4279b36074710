// A JSON document that remembers where each of its values stands.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

namespace isorbit::core {

using Json = nlohmann::ordered_json;

/// Line and column of a value's first character, both counted from 1, in UTF-8 characters; {0, 0} where
/// unknown.
struct Position {
  int line = 0;
  int column = 0;
};

/// A parsed document: the value, the file it came from, and the position of every value by JSON pointer.
struct Document {
  std::string file;
  Json root;
  std::unordered_map<std::string, Position> positions;

  /// Position of the value at `pointer` (RFC 6901, "" is the root); of its nearest ancestor when absent.
  [[nodiscard]] Position position(std::string_view pointer) const;
  /// Position of the key of the member at `pointer`; of the value where it has none.
  [[nodiscard]] Position key_position(std::string_view pointer) const;
};

/// Appends one reference token to a JSON pointer, escaping ~ and /.
[[nodiscard]] std::string pointer_join(std::string_view pointer, std::string_view key);
[[nodiscard]] std::string pointer_join(std::string_view pointer, std::size_t index);

/// Reads strict JSON (RFC 8259): no comments, no duplicate keys, no trailing bytes, finite numbers only, at
/// most 64 levels deep and 16 MiB long, integers within 2^53. Every fault is a DocumentError with file, line
/// and column.
[[nodiscard]] Document read_document(const std::filesystem::path& file);
[[nodiscard]] Document parse_document(std::string_view text, std::string file);

/// One line, keys sorted, numbers in shortest round-trip form with integral floats written as integers (so
/// 1e3, 1000 and 1000.0 agree): the form that is hashed. Throws std::domain_error on a number that is not
/// finite.
[[nodiscard]] std::string canonical(const Json& value);

}  // namespace isorbit::core
