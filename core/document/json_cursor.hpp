// A reading position in a JSON text that knows its line and column.
#pragma once
#include <string_view>

#include "core/document/json.hpp"
#include "core/document/problem.hpp"

namespace isorbit::core {

/// Walks a text byte by byte. Columns count UTF-8 characters, lines end at a line feed; both start at 1.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return offset_ >= text_.size(); }
  /// The byte `ahead` of the cursor; a NUL byte past the end.
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return offset_ + ahead < text_.size() ? text_[offset_ + ahead] : '\0';
  }
  [[nodiscard]] std::string_view rest() const { return text_.substr(offset_); }
  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::string_view since(std::size_t start) const {
    return text_.substr(start, offset_ - start);
  }
  [[nodiscard]] Position position() const { return {line_, column_}; }

  void advance(std::size_t count = 1);
  void skip_space();
  /// Skips space, commas and colons: to the first byte of the next key, value or closing bracket.
  void skip_separators();
  /// Skips the bracket, text, number or word at the cursor, which must be well formed.
  void skip_token();

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  int line_ = 1;
  int column_ = 1;
};

/// What was read just before a fault, which settles what could have come next.
enum class JsonState { start, object_opened, list_opened, key, member, element, finished };

/// The fault at or after `cursor`, which stands behind the last token that was accepted, in words for the
/// author of the document. `file` and `pointer` are the caller's to fill in.
[[nodiscard]] Problem explain_fault(JsonCursor cursor, JsonState state);

/// The length of the well-formed UTF-8 character that `bytes` begins with; 0 when there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view bytes);
/// Whether the whole of `bytes` is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace isorbit::core
