#include "experiments/tasks/parts/words.hpp"

#include <algorithm>
#include <array>

#include "core/random/philox.hpp"
#include "experiments/data/data_file.hpp"

namespace isorbit::experiments::tasks {

namespace {

constexpr std::size_t kWindow = 6;

bool is_letter(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u >= 128;
}

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) { return (hash ^ word) * 0x9e3779b97f4a7c15ULL; }

/// True when the text from `at` on holds these words.
bool follow(const std::vector<std::string>& words, std::string_view text, std::size_t at) {
  WordReader reader(text, at);
  return std::ranges::all_of(words, [&](const std::string& word) {
    const std::optional<TextWord> next = reader.next();
    return next && next->lower == word;
  });
}

}  // namespace

std::optional<TextWord> WordReader::next() {
  while (at_ < text_.size() && !is_letter(text_[at_])) ++at_;
  if (at_ == text_.size()) return std::nullopt;
  TextWord word;
  word.begin = at_;
  while (at_ < text_.size()) {
    const bool inside = text_[at_] == '\'' && at_ + 1 < text_.size() && is_letter(text_[at_ + 1]);
    if (!is_letter(text_[at_]) && !inside) break;
    word.lower += lowered(text_[at_++]);
  }
  word.end = at_;
  return word;
}

std::vector<TextWord> words_of(std::string_view text) {
  std::vector<TextWord> words;
  WordReader reader(text);
  while (auto word = reader.next()) words.push_back(std::move(*word));
  return words;
}

std::unordered_map<std::string, std::int64_t> count_words(std::string_view text) {
  std::unordered_map<std::string, std::int64_t> counts;
  WordReader reader(text);
  while (const auto word = reader.next()) ++counts[word->lower];
  return counts;
}

std::vector<bool> stand_in(const std::vector<std::string>& sentences, std::string_view text) {
  std::vector<std::vector<std::string>> words(sentences.size());
  std::unordered_multimap<std::uint64_t, std::size_t> starts;  // hash of the first words -> sentence
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    std::uint64_t hash = 0;
    for (const TextWord& word : words_of(sentences[s])) {
      if (words[s].size() < kWindow) hash = mixed(hash, core::stream_of(word.lower));
      words[s].push_back(word.lower);
    }
    if (words[s].size() >= kWindow) starts.emplace(hash, s);
  }
  std::vector<bool> found(sentences.size(), false);
  std::array<std::pair<std::uint64_t, std::size_t>, kWindow> ring{};  // hash and place of the last words
  std::size_t seen = 0;
  WordReader reader(text);
  while (const auto word = reader.next()) {
    ring[seen++ % kWindow] = {core::stream_of(word->lower), word->begin};
    if (seen < kWindow) continue;
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < kWindow; ++i) hash = mixed(hash, ring[(seen + i) % kWindow].first);
    const auto [begin, end] = starts.equal_range(hash);
    for (auto it = begin; it != end; ++it)
      if (!found[it->second] && follow(words[it->second], text, ring[seen % kWindow].second))
        found[it->second] = true;
  }
  return found;
}

std::string text_of(const std::string& file) {
  return DataFile(file).text();
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c < 127); });
}

}  // namespace isorbit::experiments::tasks
