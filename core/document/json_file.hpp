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

/// Appends one reference token in place.
void pointer_append(std::string& pointer, std::string_view key);

/// Throws a DocumentError about a document as a whole.
[[noreturn]] void refuse_document(const std::string& file, Position position, std::string found,
                                  std::string expected, std::string because = {},
                                  std::string suggestion = {});

}  // namespace isorbit::core
