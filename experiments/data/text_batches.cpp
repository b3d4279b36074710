// Windows of a token stream. A window is seq + 1 tokens t_0 .. t_seq; tokens = t_0 .. t_{seq-1}, targets =
// t_1 .. t_seq. Training: row r of step s starts at Philox(seed, "data/text", s).below(r, size - seq), any
// offset equally likely. Validation: the file is cut into W = (size - 1) / seq windows that share no target;
// K = min(W, ceil(valid_targets / seq)) of them, window floor(k W / K) for k = 0 .. K - 1, are used, so that
// they are spread evenly and no two are the same.
#include <algorithm>
#include <utility>

#include "core/random/philox.hpp"
#include "experiments/data/batch_fill.hpp"
#include "experiments/data/entropy.hpp"
#include "experiments/data/valid_cut.hpp"

namespace isorbit::experiments {
namespace {

class TextBatches final : public BatchSource {
 public:
  TextBatches(const Corpus& corpus, const TokenizerChoice& choice, TokenizedCorpus tokens,
              const BatchRequest& request)
      : batch_(request.batch),
        seq_(request.seq),
        corpus_(std::move(tokens)),
        windows_(windows_of(corpus, corpus_, seq_)),
        cut_(validated(windows_, request), batch_) {
    check_vocab(corpus, choice, request.vocab,
                std::max(corpus_.valid.histogram().size(), corpus_.train.histogram().size()));
    measure_targets();
  }

  std::vector<InputDescription> inputs() const override {
    return {{"tokens", {batch_, seq_}, InputType::s32}, {"targets", {batch_, seq_}, InputType::s32}};
  }

  void train_batch(std::uint64_t seed, std::int64_t step, const BatchBuffers& buffers,
                   BatchPart part) const override {
    check_step(step);
    static const std::uint64_t stream = core::stream_of("data/text");
    const core::Philox random(seed, stream, static_cast<std::uint64_t>(step));
    const auto starts = static_cast<std::uint64_t>(corpus_.train.size() - seq_);
    fill(corpus_.train, buffers, [&](std::int64_t row) {
      return static_cast<std::int64_t>(
          random.below(static_cast<std::uint64_t>(part.index * batch_ + row), starts));
    });
  }

  std::int64_t valid_batches() const override { return cut_.batches(); }

  void valid_batch(std::int64_t index, const BatchBuffers& buffers) const override {
    check_valid_index(index, cut_.batches());
    fill(corpus_.valid, buffers, [&](std::int64_t row) { return start_of(cut_.item(index, row)); });
  }

  double valid_share(std::int64_t index) const override { return cut_.share(index); }

  std::string data_sha256() const override { return corpus_.sha256; }
  double bytes_per_token() const override { return bytes_per_token_; }
  std::int64_t vocab() const override { return corpus_.tokenizer->vocab(); }
  double unigram_entropy() const override { return entropy_; }
  std::int64_t train_size() const override { return corpus_.train.size() - 1; }

 private:
  /// Windows that the validation split holds.
  static std::int64_t windows_of(const Corpus& corpus, const TokenizedCorpus& tokens, std::int64_t seq) {
    if (seq < 1) throw DataError("seq: found " + std::to_string(seq) + "; expected at least 1");
    for (const auto& [name, split] : {std::pair("train.txt", &tokens.train), {"valid.txt", &tokens.valid}})
      if (split->size() < seq + 1)
        throw DataError(corpus.file(name).string() + " has " + std::to_string(split->size()) +
                        " tokens; a window of seq " + std::to_string(seq) + " needs " +
                        std::to_string(seq + 1) + "; shorten seq or take a longer text");
    return (tokens.valid.size() - 1) / seq;
  }

  /// Windows that a validation covers.
  static std::int64_t validated(std::int64_t windows, const BatchRequest& request) {
    if (request.valid_targets == 0) return windows;
    return std::min(windows, (request.valid_targets - 1) / request.seq + 1);
  }

  /// First token of the k-th window validated: floor(k W / K) seq without the overflow of k W.
  [[nodiscard]] std::int64_t start_of(std::int64_t k) const {
    const std::int64_t used = cut_.items();
    return (k * (windows_ / used) + k * (windows_ % used) / used) * seq_;
  }

  /// Counts ids and bytes of the targets validated.
  void measure_targets() {
    std::vector<std::uint64_t> counts(65536);  // as many as a token file can have
    std::vector<std::int32_t> window(static_cast<std::size_t>(seq_) + 1);
    std::int64_t bytes = 0;
    for (std::int64_t k = 0; k < cut_.items(); ++k) {
      corpus_.valid.copy(start_of(k), window);
      for (const std::int32_t id : std::span(window).subspan(1)) ++counts[static_cast<std::size_t>(id)];
      bytes += corpus_.tokenizer->bytes_behind_first(window);
    }
    corpus_.valid.check();
    entropy_ = experiments::unigram_entropy(counts);
    bytes_per_token_ = static_cast<double>(bytes) / static_cast<double>(cut_.items() * seq_);
  }

  static void check_vocab(const Corpus& corpus, const TokenizerChoice& choice, std::int64_t vocab,
                          std::size_t ids) {
    if (vocab <= 0 || static_cast<std::int64_t>(ids) <= vocab) return;
    throw DataError("corpus \"" + corpus.name + "\" with tokenizer " + choice.label() +
                    " uses token ids up to " + std::to_string(ids - 1) + "; the model has a vocab of " +
                    std::to_string(vocab) + "; did you mean vocab " + std::to_string(choice.vocab) + "?");
  }

  template <class Start>
  void fill(const Tokens& split, const BatchBuffers& buffers, Start start) const {
    check_buffers(inputs(), buffers);
    const auto tokens = buffer_of<std::int32_t>(buffers, "tokens"),
               targets = buffer_of<std::int32_t>(buffers, "targets");
    const auto length = static_cast<std::size_t>(seq_);
    std::vector<std::int32_t> window(length + 1);
    for (std::int64_t row = 0; row < batch_; ++row) {
      split.copy(start(row), window);
      const std::size_t at = static_cast<std::size_t>(row) * length;
      if (!tokens.empty()) std::copy_n(window.begin(), length, tokens.subspan(at).begin());
      if (!targets.empty()) std::copy_n(window.begin() + 1, length, targets.subspan(at).begin());
    }
    split.check();
  }

  std::int64_t batch_, seq_;
  TokenizedCorpus corpus_;
  std::int64_t windows_;
  ValidCut cut_;
  double entropy_ = 0, bytes_per_token_ = 0;
};

}  // namespace

std::unique_ptr<BatchSource> text_batches(const Corpus& corpus, const TokenizerChoice& tokenizer,
                                          TokenizedCorpus tokens, const BatchRequest& request) {
  return std::make_unique<TextBatches>(corpus, tokenizer, std::move(tokens), request);
}

}  // namespace isorbit::experiments
