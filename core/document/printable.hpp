// Text from outside (keys and names of documents, names of files, bytes of a command line) where it must not
// do harm: on a terminal, and where only UTF-8 may stand.
#pragma once
#include <string>
#include <string_view>

namespace isorbit::core {

/// The text with every byte that is not of a UTF-8 character written as `\xE9`.
[[nodiscard]] std::string as_utf8(std::string_view text);

/// The text on one line of a terminal, and nothing but text: UTF-8 as by `as_utf8`; control characters,
/// line and paragraph separators and marks that turn the direction of writing are written as JSON writes
/// them (`\n`, `\u001b`).
[[nodiscard]] std::string printable(std::string_view text);

/// Of several lines: the same, but line feeds stay.
[[nodiscard]] std::string printable_lines(std::string_view text);

}  // namespace isorbit::core
