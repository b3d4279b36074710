// WordNet's example sentences with one word left out: which of four words stood there? The word is a lemma
// of the synset the sentence is an example of; the three others are of its class, as frequent in the training
// text (the same power of two), and in no synset with it, so that neither frequency nor class tells them
// apart. A sentence has six words or more, its word stands in it once and five times or more in the training
// text, and the sentence does not stand there word for word. WordNet itself is trained on by nobody here.
//
// Others may fit now and then too: 100 % cannot be reached.
#include <algorithm>
#include <map>
#include <set>

#include "core/random/philox.hpp"
#include "experiments/task.hpp"
#include "experiments/tasks/parts/wordnet.hpp"
#include "experiments/tasks/parts/words.hpp"

namespace isorbit::experiments::tasks {

namespace {

constexpr std::uint64_t kSeed = 20061222;  // WordNet 3.0
constexpr std::int64_t kLeastSeen = 5;
constexpr std::size_t kLeastWords = 6, kOthers = 3;

/// Words that may stand for one another: a class and a power of two of the frequency.
using Bin = std::pair<char, int>;

class Builder {
 public:
  explicit Builder(std::string_view training) : training_(training), counts_(count_words(training)) {}

  void add(std::vector<Synset> synsets) {
    for (Synset& synset : synsets) {
      for (const std::string& lemma : synset.lemmas) {
        if (const auto bin = bin_of(lemma, synset.word_class)) bins_[*bin].insert(lemma);
        of_lemma_[{lemma, synset.word_class}].push_back(synsets_.size());
      }
      synsets_.push_back(std::move(synset));
    }
  }

  std::vector<Item> items() {
    struct Candidate {
      Item item;
      std::string sentence, word;
      char word_class;
    };
    std::vector<Candidate> candidates;
    std::vector<std::string> sentences;
    std::set<std::string> taken;  // a sentence of several synsets is asked for once
    for (const Synset& synset : synsets_)
      for (const std::string& example : synset.examples) {
        if (!is_plain(example) || taken.contains(example)) continue;
        const std::vector<TextWord> words = words_of(example);
        if (words.size() < kLeastWords) continue;
        const TextWord* gap = gap_in(example, words, synset);
        if (gap == nullptr) continue;
        taken.insert(example);
        candidates.push_back({{example.substr(0, gap->begin), example.substr(gap->end), {}, 0},
                              example,
                              gap->lower,
                              synset.word_class});
        sentences.push_back(example);
      }
    const std::vector<bool> leaked = stand_in(sentences, training_);
    std::vector<Item> out;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (!leaked[i] && fill(candidates[i].item, candidates[i].word, candidates[i].word_class, i))
        out.push_back(std::move(candidates[i].item));
    const std::vector<std::int32_t> order =
        core::Philox(kSeed, core::stream_of("wordnet_cloze/order")).permutation(out.size());
    std::vector<Item> shuffled;
    for (const std::int32_t i : order) shuffled.push_back(std::move(out[static_cast<std::size_t>(i)]));
    return shuffled;
  }

 private:
  std::optional<Bin> bin_of(const std::string& word, char word_class) const {
    const auto it = counts_.find(word);
    if (it == counts_.end() || it->second < kLeastSeen) return std::nullopt;
    int power = 0;
    for (std::int64_t n = it->second; n > 1; n /= 2) ++power;
    return Bin{word_class, power};
  }

  /// The first word of the sentence that is a lemma of the synset, frequent, in lower case and there once.
  const TextWord* gap_in(const std::string& sentence, const std::vector<TextWord>& words,
                         const Synset& synset) const {
    for (const TextWord& word : words) {
      if (std::ranges::find(synset.lemmas, word.lower) == synset.lemmas.end()) continue;
      const bool joined = (word.begin > 0 && sentence[word.begin - 1] == '-') ||
                          (word.end < sentence.size() && sentence[word.end] == '-');
      const auto same = [&](const TextWord& other) { return other.lower == word.lower; };
      if (!joined && sentence.compare(word.begin, word.end - word.begin, word.lower) == 0 &&
          std::ranges::count_if(words, same) == 1 && bin_of(word.lower, synset.word_class))
        return &word;
    }
    return nullptr;
  }

  bool share_a_synset(const std::string& a, const std::string& b, char word_class) const {
    for (const std::size_t s : of_lemma_.at({a, word_class}))
      if (std::ranges::find(synsets_[s].lemmas, b) != synsets_[s].lemmas.end()) return true;
    return false;
  }

  /// Draws the others and the order; false where there are too few.
  bool fill(Item& item, const std::string& word, char word_class, std::size_t index) const {
    std::vector<std::string> fitting;
    for (const std::string& other : bins_.at(*bin_of(word, word_class)))
      if (other != word && !share_a_synset(word, other, word_class)) fitting.push_back(other);
    if (fitting.size() < kOthers) return false;
    const core::Philox random(kSeed, core::stream_of("wordnet_cloze"), index);
    for (std::size_t i = 0; i < kOthers; ++i)  // the first steps of a Fisher-Yates shuffle
      std::swap(fitting[i], fitting[i + random.below(i, fitting.size() - i)]);
    item.choices.assign(fitting.begin(), fitting.begin() + kOthers);
    item.answer = random.below(kOthers, kOthers + 1);
    item.choices.insert(item.choices.begin() + static_cast<std::ptrdiff_t>(item.answer), word);
    return true;
  }

  std::string_view training_;
  std::unordered_map<std::string, std::int64_t> counts_;
  std::vector<Synset> synsets_;
  std::map<std::pair<std::string, char>, std::vector<std::size_t>> of_lemma_;
  std::map<Bin, std::set<std::string>> bins_;
};

std::vector<Item> build(const Corpus& corpus, const std::filesystem::path& data_dir) {
  const std::string training = text_of(corpus.file("train.txt").string());
  Builder builder(training);
  for (const char* part : {"data.noun", "data.verb", "data.adj", "data.adv"}) {
    const std::string file = (data_dir / "wordnet" / part).string();
    builder.add(parse_wordnet(text_of(file), file));
  }
  return builder.items();
}

}  // namespace

Task wordnet_cloze() {
  return {.name = "wordnet_cloze",
          .doc = "which of four equally frequent words stood in an example sentence of WordNet",
          .choices = 1 + kOthers,
          .sources = {"wordnet/data.noun", "wordnet/data.verb", "wordnet/data.adj", "wordnet/data.adv"},
          .build = build};
}

}  // namespace isorbit::experiments::tasks
