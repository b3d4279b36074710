// Words of a text: runs of ASCII letters, with apostrophes between letters; bytes from 128 count as letters.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace isorbit::experiments::tasks {

struct TextWord {
  std::string lower;  // in lower case
  std::size_t begin = 0, end = 0;
};

/// Goes through a text word by word.
class WordReader {
 public:
  explicit WordReader(std::string_view text, std::size_t at = 0) : text_(text), at_(at) {}
  [[nodiscard]] std::optional<TextWord> next();

 private:
  std::string_view text_;
  std::size_t at_;
};

[[nodiscard]] std::vector<TextWord> words_of(std::string_view text);

/// How often each word stands in a text, by its lower case.
[[nodiscard]] std::unordered_map<std::string, std::int64_t> count_words(std::string_view text);

/// For each sentence whether it stands word for word in the text, whatever is between the words. Sentences
/// have six words or more.
[[nodiscard]] std::vector<bool> stand_in(const std::vector<std::string>& sentences, std::string_view text);

/// A file as text. Throws DataError.
[[nodiscard]] std::string text_of(const std::string& file);

/// True when there are no bytes but printable ASCII and newlines.
[[nodiscard]] bool is_plain(std::string_view text);

}  // namespace isorbit::experiments::tasks
