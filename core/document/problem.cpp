#include "core/document/problem.hpp"

#include <algorithm>
#include <cctype>

#include "core/document/json_cursor.hpp"
#include "core/document/printable.hpp"
#include "core/document/synonyms.hpp"

namespace isorbit::core {
namespace {

constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kLongestWord = 200;

std::string joined(const std::vector<Problem>& problems) {
  std::string all;
  for (const Problem& problem : problems) {
    if (!all.empty()) all += '\n';
    all += problem.text();
  }
  return all;
}

std::string lowered(std::string_view word) {
  std::string low(word);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

/// Edit distance with insertions, deletions, substitutions and swaps of neighbours (optimal string
/// alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Problem::text() const {
  std::string out = printable(file);
  if (position.line > 0) {
    if (!out.empty()) out += ':';
    out += std::to_string(position.line) + ":" + std::to_string(position.column);
  }
  if (!out.empty()) out += ' ';
  out += "#" + printable(pointer) + ": found " + printable(found) + "; expected " + printable(expected);
  if (!because.empty()) out += "; because " + printable(because);
  if (!suggestion.empty()) out += "; did you mean " + printable(suggestion) + "?";
  return out;
}

DocumentError::DocumentError(std::vector<Problem> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}

void Problems::add(const Document& document, std::string pointer, std::string found, std::string expected,
                   std::string because, std::string suggestion) {
  const Position position = document.position(pointer);
  problems_.push_back({document.file, position, std::move(pointer), std::move(found), std::move(expected),
                       std::move(because), std::move(suggestion)});
}

void Problems::throw_if_any() const {
  if (!problems_.empty()) throw DocumentError(problems_);
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  if (auto same = same_meaning(word, candidates)) return same;
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  const std::string low = lowered(word);
  std::optional<std::string> best;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t shorter = std::min(candidate.size(), word.size());
    if (std::max(candidate.size(), word.size()) - shorter > limit) continue;
    // Where every letter differs nothing was mistyped: "q" is not "k".
    const std::size_t edits = distance(low, lowered(candidate));
    if (edits < best_distance && edits < shorter) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

std::string shown(const Json& value) {
  std::string all = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (all.size() <= kShownBytes) return all;
  std::size_t length = 0;
  while (length < kShownBytes)
    length += std::max<std::size_t>(1, utf8_length(std::string_view(all).substr(length)));
  return all.substr(0, length) + (value.is_string() ? "...\"" : "...");
}

}  // namespace isorbit::core
