// Agreement of verb and subject: sentences of the held-out text with exactly one of is, are, was, were, has,
// have; does the model prefer the one that stands there to the other of its pair? Each pair is drawn equally
// from both directions, so that frequency alone gets half of them. A "have" that is an infinitive (after
// "to", "would", ...) agrees with nothing and is left out, as are sentences that stand in the training text.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>

#include "core/random/philox.hpp"
#include "experiments/task.hpp"
#include "experiments/tasks/parts/words.hpp"

namespace isorbit::experiments::tasks {

namespace {

constexpr std::uint64_t kSeed = 20061222;
constexpr std::size_t kLeastWords = 6, kMostBytes = 600;

using Pair = std::array<std::string_view, 2>;  // singular, plural
constexpr std::array<Pair, 3> kPairs = {Pair{"is", "are"}, Pair{"was", "were"}, Pair{"has", "have"}};

constexpr std::array<std::string_view, 10> kBeforeInfinitives = {"to",  "will",  "would", "shall", "should",
                                                                 "can", "could", "may",   "might", "must"};
constexpr std::array<std::string_view, 6> kTitles = {"mr", "mrs", "dr", "st", "capt", "col"};

template <std::size_t n>
bool holds(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

/// True where a sentence ends at the full stop, question or exclamation mark at `at`.
bool ends(std::string_view text, std::size_t begin, std::size_t at) {
  if (at + 1 < text.size() && text[at + 1] != ' ' && text[at + 1] != '\n' && text[at + 1] != '"')
    return false;
  if (text[at] != '.') return true;
  std::size_t first = at;
  while (first > begin && text[first - 1] != ' ' && text[first - 1] != '\n') --first;
  const std::vector<TextWord> last = words_of(text.substr(first, at - first));
  return last.size() != 1 || !holds(kTitles, last[0].lower);
}

/// Sentences, as they stand; paragraphs end them too.
std::vector<std::string> sentences_of(std::string_view text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  const auto cut = [&](std::size_t end) {
    while (begin < end && (text[begin] == ' ' || text[begin] == '\n' || text[begin] == '"')) ++begin;
    if (begin < end && end - begin <= kMostBytes) out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n' && at + 1 < text.size() && text[at + 1] == '\n') cut(at);
    if ((c == '.' || c == '?' || c == '!') && ends(text, begin, at)) cut(at + 1);
  }
  cut(text.size());
  return out;
}

struct Found {
  std::size_t pair = 0, form = 0;
  TextWord word;
};

/// The one word of the six; nothing where there is none, several, or one that agrees with nothing.
std::optional<Found> only_verb(const std::string& sentence) {
  const std::vector<TextWord> words = words_of(sentence);
  if (words.size() < kLeastWords) return std::nullopt;
  std::optional<Found> found;
  for (std::size_t w = 0; w < words.size(); ++w)
    for (std::size_t p = 0; p < kPairs.size(); ++p)
      for (std::size_t form = 0; form < 2; ++form) {
        if (words[w].lower != kPairs[p][form]) continue;
        if (found || sentence[words[w].begin] != words[w].lower[0]) return std::nullopt;
        for (std::size_t back = 1; back <= std::min<std::size_t>(w, 3); ++back)
          if (words[w].lower == "have" && holds(kBeforeInfinitives, words[w - back].lower))
            return std::nullopt;
        found = {p, form, words[w]};
      }
  return found;
}

template <class T>
std::vector<T> shuffled(std::vector<T> values, const std::string& stream) {
  std::vector<T> out;
  for (const std::int32_t i : core::Philox(kSeed, core::stream_of(stream)).permutation(values.size()))
    out.push_back(std::move(values[static_cast<std::size_t>(i)]));
  return out;
}

std::vector<Item> build(const Corpus& corpus, const std::filesystem::path& /*data_dir*/) {
  const std::string held_out = text_of(corpus.file("valid.txt").string());
  std::vector<std::string> sentences;
  std::set<std::string> seen;
  for (std::string& sentence : sentences_of(held_out))
    if (is_plain(sentence) && only_verb(sentence) && seen.insert(sentence).second)
      sentences.push_back(std::move(sentence));
  const std::vector<bool> leaked = stand_in(sentences, text_of(corpus.file("train.txt").string()));
  std::array<std::array<std::vector<Item>, 2>, kPairs.size()> by_form;
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    if (leaked[s]) continue;
    const Found found = *only_verb(sentences[s]);
    const Pair& pair = kPairs[found.pair];
    by_form[found.pair][found.form].push_back({sentences[s].substr(0, found.word.begin),
                                               sentences[s].substr(found.word.end),
                                               {std::string(pair[0]), std::string(pair[1])},
                                               found.form});
  }
  std::vector<Item> items;
  for (std::size_t p = 0; p < kPairs.size(); ++p) {
    const std::size_t each = std::min(by_form[p][0].size(), by_form[p][1].size());
    for (std::size_t form = 0; form < 2; ++form) {
      std::vector<Item> drawn =
          shuffled(std::move(by_form[p][form]), "agreement/" + std::string(kPairs[p][form]));
      std::move(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(each), std::back_inserter(items));
    }
  }
  return shuffled(std::move(items), "agreement/order");
}

}  // namespace

Task agreement() {
  return {.name = "agreement",
          .doc = "is or are, was or were, has or have, in sentences of the held-out text",
          .choices = 2,
          .build = build};
}

}  // namespace isorbit::experiments::tasks
