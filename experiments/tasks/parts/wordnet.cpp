#include "experiments/tasks/parts/wordnet.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "experiments/data/data_error.hpp"

namespace isorbit::experiments::tasks {

namespace {

bool is_plain_lemma(const std::string& word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

/// What stands in quotes.
std::vector<std::string> quoted(std::string_view gloss) {
  std::vector<std::string> out;
  for (std::size_t at = gloss.find('"'); at != gloss.npos; at = gloss.find('"', at)) {
    const std::size_t end = gloss.find('"', at + 1);
    if (end == gloss.npos) break;
    out.emplace_back(gloss.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

bool parse_line(const std::string& line, Synset& synset) {
  const std::size_t bar = line.find(" | ");
  std::istringstream fields(line.substr(0, bar));
  std::string offset, file, type, count;
  if (!(fields >> offset >> file >> type >> count) || type.size() != 1) return false;
  synset.word_class = type[0] == 's' ? 'a' : type[0];
  int words = 0;
  const auto [stopped, error] = std::from_chars(count.data(), count.data() + count.size(), words, 16);
  if (error != std::errc() || stopped != count.data() + count.size() || words < 1) return false;
  for (int i = 0; i < words; ++i) {
    std::string word, id;
    if (!(fields >> word >> id)) return false;
    word = word.substr(0, word.find('('));
    if (is_plain_lemma(word)) synset.lemmas.push_back(word);
  }
  if (bar != line.npos) synset.examples = quoted(std::string_view(line).substr(bar + 3));
  return true;
}

}  // namespace

std::vector<Synset> parse_wordnet(std::string_view text, const std::string& where) {
  std::vector<Synset> out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.starts_with("  ")) continue;
    Synset synset;
    if (!parse_line(line, synset))
      throw DataError(where + ":" + std::to_string(number) + ": found \"" + line.substr(0, 40) +
                      "\"; expected a synset of WordNet 3.0");
    out.push_back(std::move(synset));
  }
  return out;
}

}  // namespace isorbit::experiments::tasks
