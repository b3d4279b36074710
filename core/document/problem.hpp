// What is wrong with a document, said so that it can be mended: place, found, expected, because, suggestion.
#pragma once
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/document/json.hpp"

namespace isorbit::core {

/// One fault. Its text is `file:line:column #/pointer: found F; expected E[; because B][; did you mean S?]`.
struct Problem {
  std::string file;
  Position position;
  std::string pointer;
  std::string found;
  std::string expected;
  std::string because;     // empty: left out
  std::string suggestion;  // empty: left out

  [[nodiscard]] std::string text() const;
};

/// Thrown once per document stage with every problem found in it.
class DocumentError : public std::runtime_error {
 public:
  explicit DocumentError(std::vector<Problem> problems);
  [[nodiscard]] std::span<const Problem> problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

/// Collects the problems of one stage, in the order found.
class Problems {
 public:
  /// Adds a problem at `pointer` of `document`.
  void add(const Document& document, std::string pointer, std::string found, std::string expected,
           std::string because = {}, std::string suggestion = {});
  void add(Problem problem) { problems_.push_back(std::move(problem)); }
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  [[nodiscard]] std::size_t size() const { return problems_.size(); }
  /// Throws DocumentError when there is any.
  void throw_if_any() const;

 private:
  std::vector<Problem> problems_;
};

/// The candidate that means what `word` does in other programs (synonyms.hpp), or the nearest by edit
/// distance, when near enough to be a typo; else nothing.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

/// A value as an error shows it: strings in quotes, long values cut.
[[nodiscard]] std::string shown(const Json& value);

}  // namespace isorbit::core
