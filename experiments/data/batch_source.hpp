// Where a trainer's inputs come from: batches that are a pure function of (seed, step), so that a resumed run
// sees what an unbroken one would have seen and the arms of a sweep see the same data.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "experiments/data/corpus.hpp"
#include "experiments/data/tokenizer.hpp"

namespace isorbit::experiments {

enum class InputType { s32, f32 };

struct InputDescription {
  std::string name;
  std::vector<std::int64_t> shape;
  InputType type = InputType::s32;
};

using BatchBuffer = std::variant<std::span<std::int32_t>, std::span<float>>;
/// Input name -> row-major buffer of exactly the described size. An input without a buffer is left out.
using BatchBuffers = std::map<std::string, BatchBuffer>;

/// A part of a step that is computed in several of equal size: together they are the batch of that many times
/// the rows.
struct BatchPart {
  std::int64_t index = 0, of = 1;
};

/// Thread-safe: nothing changes after construction. A wrong buffer, or a data file that changed, is a
/// DataError.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// text: tokens, targets s32 [batch, seq], targets[i] = tokens[i + 1];
  /// images: images f32 [batch, 784] in [0, 1], labels s32 [batch].
  [[nodiscard]] virtual std::vector<InputDescription> inputs() const = 0;
  virtual void train_batch(std::uint64_t seed, std::int64_t step, const BatchBuffers& buffers,
                           BatchPart part = {}) const = 0;
  [[nodiscard]] virtual std::int64_t valid_batches() const = 0;
  /// The same for every seed; 0 <= index < valid_batches(). Together they are the same windows or images for
  /// every batch.
  virtual void valid_batch(std::int64_t index, const BatchBuffers& buffers) const = 0;
  /// Windows or images of that batch over its rows: 1, or less where each stands in it several times. A loss
  /// that is a mean over rows weighs as much in the validation's.
  [[nodiscard]] virtual double valid_share(std::int64_t index) const = 0;
  [[nodiscard]] virtual std::string data_sha256() const = 0;
  /// Bytes of text a validation target stands for, of those a validation covers; 0 where bits per byte mean
  /// nothing (images).
  [[nodiscard]] virtual double bytes_per_token() const = 0;
  /// Number of token ids or classes.
  [[nodiscard]] virtual std::int64_t vocab() const = 0;
  /// Unigram entropy of the targets a validation covers, nats: the loss of the best model that ignores its
  /// input.
  [[nodiscard]] virtual double unigram_entropy() const = 0;
  /// Targets or images that the training split holds.
  [[nodiscard]] virtual std::int64_t train_size() const = 0;
};

struct BatchRequest {
  std::int64_t batch = 16;
  std::int64_t seq = 128;              // text only
  std::int64_t vocab = 0;              // what the model allows, to be checked; 0: not checked
  std::int64_t valid_targets = 65536;  // a validation covers so many, in whole windows, or all; 0: all
};

/// Text: windows of seq + 1 tokens at uniform random offsets; validation takes the valid_targets / seq
/// windows (rounded up) that are evenly spread over the file and do not overlap. Images: one permutation an
/// epoch, keyed by seed and epoch; validation takes the first valid_targets of the file. What is validated
/// depends on corpus, tokenizer, seq and valid_targets alone, not on the batch. Throws DataError: split too
/// short for seq, ids the model has no room for, a damaged image file.
[[nodiscard]] std::unique_ptr<BatchSource> open_batches(const Corpus& corpus,
                                                        const TokenizerChoice& tokenizer,
                                                        const BatchRequest& request);
/// The same of a text that was tokenized before by `tokenizer`: its open files are shared.
[[nodiscard]] std::unique_ptr<BatchSource> open_batches(const Corpus& corpus,
                                                        const TokenizerChoice& tokenizer,
                                                        TokenizedCorpus tokens, const BatchRequest& request);

}  // namespace isorbit::experiments
