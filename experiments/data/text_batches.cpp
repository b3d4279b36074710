// Windows of a token stream. A window is seq + 1 tokens t_0 .. t_seq; tokens = t_0 .. t_{seq-1}, targets =
// t_1 .. t_seq. Training: row r of step s starts at Philox(seed, "data/text", s).below(r, size - seq), any
// offset equally likely. Validation: the file is cut into W = (size - 1) / seq windows that share no target;
// K of them, window floor(k W / K) for k = 0 .. K - 1, are used, so that they are spread evenly and no two
// are the same.
#include <algorithm>
#include <utility>

#include "core/random/philox.hpp"
#include "experiments/data/batch_fill.hpp"
#include "experiments/data/entropy.hpp"

namespace isorbit::experiments {
namespace {

std::string split_text(const Tokens& split) {
  return split.path().string() + " has " + std::to_string(split.size()) + " tokens";
}

class TextBatches final : public BatchSource {
 public:
  TextBatches(const Corpus& corpus, const TokenizerChoice& choice, TokenizedCorpus tokens,
              const BatchRequest& request)
      : batch_(request.batch), seq_(request.seq), corpus_(std::move(tokens)) {
    if (seq_ < 1) throw DataError("seq: found " + std::to_string(seq_) + "; expected at least 1");
    if (corpus_.train.size() < seq_ + 1)
      throw DataError(split_text(corpus_.train) + "; a window of seq " + std::to_string(seq_) + " needs " +
                      std::to_string(seq_ + 1) + "; shorten seq or take a longer text");
    windows_ = std::max<std::int64_t>(0, corpus_.valid.size() - 1) / seq_;
    if (windows_ < batch_)
      throw DataError(split_text(corpus_.valid) + "; one validation batch of " + std::to_string(batch_) +
                      " windows of seq " + std::to_string(seq_) + " needs " +
                      std::to_string(batch_ * seq_ + 1) + "; shorten seq or batch, or take a longer text");
    const std::int64_t most = windows_ / batch_, targets = batch_ * seq_;
    const std::int64_t wanted = (request.valid_targets + targets - 1) / targets;
    batches_ = request.valid_targets == 0 ? most : std::clamp<std::int64_t>(wanted, 1, most);
    const std::vector<std::uint64_t> valid_counts = corpus_.valid.histogram();
    entropy_ = experiments::unigram_entropy(valid_counts);
    check_vocab(corpus, choice, request.vocab,
                std::max(valid_counts.size(), corpus_.train.histogram().size()));
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

  std::int64_t valid_batches() const override { return batches_; }

  void valid_batch(std::int64_t index, const BatchBuffers& buffers) const override {
    check_valid_index(index, batches_);
    const std::int64_t used = batches_ * batch_;
    fill(corpus_.valid, buffers, [&](std::int64_t row) {
      // floor(k W / K) without the overflow of k W.
      const std::int64_t k = index * batch_ + row;
      return (k * (windows_ / used) + k * (windows_ % used) / used) * seq_;
    });
  }

  std::string data_sha256() const override { return corpus_.sha256; }
  double bytes_per_token() const override { return corpus_.bytes_per_token; }
  std::int64_t vocab() const override { return corpus_.tokenizer->vocab(); }
  double unigram_entropy() const override { return entropy_; }
  std::int64_t train_size() const override { return corpus_.train.size() - 1; }

 private:
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
  std::int64_t windows_ = 0, batches_ = 0;
  double entropy_ = 0;
};

}  // namespace

std::unique_ptr<BatchSource> text_batches(const Corpus& corpus, const TokenizerChoice& tokenizer,
                                          TokenizedCorpus tokens, const BatchRequest& request) {
  return std::make_unique<TextBatches>(corpus, tokenizer, std::move(tokens), request);
}

}  // namespace isorbit::experiments
