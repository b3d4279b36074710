// What reading a document's file, parsing its text and keeping its positions share.
#pragma once
#include <string>
#include <string_view>

#include "core/document/json.hpp"

namespace isorbit::core {

inline constexpr std::size_t kLongestDocument = std::size_t{16} << 20;

// The position of a key is kept under the pointer of its value and this. "~" is always followed by 0 or 1 in
// a pointer, so that no value is called so.
inline constexpr std::string_view kKeyMark = "~key";

/// As in json.hpp, for a file that this program writes itself: up to `longest` bytes.
[[nodiscard]] Document read_long_document(const std::filesystem::path& file, std::size_t longest);
[[nodiscard]] Document parse_long_document(std::string_view text, std::string file, std::size_t longest);

/// Appends one reference token in place.
void pointer_append(std::string& pointer, std::string_view key);

/// Throws a DocumentError about a document as a whole.
[[noreturn]] void refuse_document(const std::string& file, Position position, std::string found,
                                  std::string expected, std::string because = {},
                                  std::string suggestion = {});

}  // namespace isorbit::core
