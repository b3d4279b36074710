#include "experiments/data/bpe.hpp"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <unordered_map>

#include "core/document/problem.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::string_view space = "\u2581";       // as pieces write it
constexpr std::size_t longest_sentence = 100'000;  // bytes; SentencePiece skips longer ones than it is told

// The next line of `rest`, its newline included, which is taken off `rest`.
std::string_view take_line(std::string_view& rest) {
  const std::size_t newline = rest.find('\n');
  const std::size_t length = newline == std::string_view::npos ? rest.size() : newline + 1;
  const std::string_view line = rest.substr(0, length);
  rest.remove_prefix(length);
  return line;
}

// The lines of a text without their newlines; very long ones are cut after a space, or where they must be.
class Sentences final : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(std::string_view text) : rest_(text) { Next(); }
  bool done() const override { return done_; }
  void Next() override {
    done_ = rest_.empty();
    if (done_) return;
    const std::size_t newline = rest_.find('\n');
    std::size_t length = std::min(newline, rest_.size());
    std::size_t taken = length + (newline == std::string_view::npos ? 0 : 1);
    if (length > longest_sentence) {
      length = longest_sentence;
      while (length > 0 && rest_[length - 1] != ' ') --length;
      if (length == 0) length = longest_sentence;
      taken = length;
    }
    sentence_.assign(rest_.substr(0, length));
    rest_.remove_prefix(taken);
  }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::string_view rest_;
  std::string sentence_;
  bool done_ = false;
};

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(std::string_view model, const std::string& where) {
    const bool loaded = processor_.LoadFromSerializedProto(model).ok();
    newline_ = loaded ? processor_.PieceToId("<0x0A>") : 0;
    if (!loaded || !processor_.IsByte(newline_))
      throw DataError(where +
                      ": is not a SentencePiece model with byte pieces; delete it to have it made again");
  }

  std::int64_t vocab() const override { return processor_.GetPieceSize(); }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    std::vector<int> line_ids;
    std::string back;
    while (!text.empty()) {
      const std::string_view line = take_line(text);
      const bool ok = processor_.Encode(line, &line_ids).ok() && processor_.Decode(line_ids, &back).ok();
      if (!ok || back != line)
        throw DataError("line " + core::shown(printable(line)) +
                        " cannot be tokenized without loss; expected UTF-8 without U+2581; use the tokenizer "
                        "\"bytes\", or clean the text: iconv -c -f utf8 -t utf8");
      ids.insert(ids.end(), line_ids.begin(), line_ids.end());
    }
    return ids;
  }

  std::string decode(std::span<const std::int32_t> ids) const override {
    std::string text, part;
    std::vector<int> line;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < 0 || ids[i] >= vocab())
        throw DataError("token id " + std::to_string(ids[i]) + ": expected 0 to " +
                        std::to_string(vocab() - 1));
      line.push_back(ids[i]);
      if (ids[i] != newline_ && i + 1 < ids.size()) continue;
      if (!processor_.Decode(line, &part).ok()) throw DataError("SentencePiece cannot decode a line");
      text += part;
      line.clear();
    }
    return text;
  }

  /// A line's text stands behind U+2581, which is no byte of it; elsewhere it is a space.
  std::int64_t bytes_behind_first(std::span<const std::int32_t> ids) const override {
    std::int64_t bytes = 0;
    for (std::size_t i = 1; i < ids.size(); ++i) {
      if (processor_.IsByte(ids[i])) {
        ++bytes;
        continue;
      }
      const std::string_view piece = processor_.IdToPiece(ids[i]);
      bytes += std::ssize(piece);
      for (std::size_t at = piece.find(space); at != std::string_view::npos; at = piece.find(space, at + 1))
        bytes -= std::ssize(space) - 1;
      if (ids[i - 1] == newline_) --bytes;
    }
    return bytes;
  }

 private:
  static std::string printable(std::string_view line) {
    std::string text(line.substr(0, 60));
    for (char& c : text)
      if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = '?';
    return text;
  }

  sentencepiece::SentencePieceProcessor processor_;
  int newline_ = 0;
};

}  // namespace

std::string train_bpe(std::string_view text, std::int64_t vocab, const std::string& where) {
  if (text.find_first_not_of("\r\n") == std::string_view::npos)
    throw DataError(where + (text.empty() ? " is empty" : " holds nothing but line ends") +
                    "; expected a text to make " + std::to_string(vocab) + " pieces of");
  // Given as a map: the form that takes a command line prints it before the log level is set.
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(vocab)},
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"allow_whitespace_only_pieces", "true"},
      {"character_coverage", "1.0"},
      {"max_sentence_length", std::to_string(longest_sentence)},
      {"bos_id", "-1"},
      {"eos_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "3"}};
  Sentences sentences(text);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &model);
  if (status.ok()) return model;
  std::string said = status.ToString();
  said.erase(0, std::min(said.size(), said.rfind(']') + 1));
  throw DataError(where + " (" + std::to_string(text.size()) + " bytes): no vocabulary of " +
                  std::to_string(vocab) + " pieces can be made of it; SentencePiece says:" + said +
                  (text.size() < 100'000 ? "; take a longer text or the tokenizer \"bytes\"" : ""));
}

std::shared_ptr<const Tokenizer> bpe_tokenizer(std::string_view model, const std::string& where) {
  return std::make_shared<BpeTokenizer>(model, where);
}

}  // namespace isorbit::experiments
