// What both kinds of batch source do with the buffers they are given.
#pragma once
#include <string>
#include <vector>

#include "experiments/data/batch_source.hpp"

namespace isorbit::experiments {

/// Throws DataError unless every buffer is a described input of its type and size.
void check_buffers(const std::vector<InputDescription>& inputs, const BatchBuffers& buffers);

/// The buffer of an input, empty when it was left out. Call check_buffers first.
template <class T>
[[nodiscard]] std::span<T> buffer_of(const BatchBuffers& buffers, const std::string& name) {
  const auto found = buffers.find(name);
  return found == buffers.end() ? std::span<T>{} : std::get<std::span<T>>(found->second);
}

/// Throws DataError when a step is negative.
void check_step(std::int64_t step);

/// Throws DataError unless 0 <= index < batches.
void check_valid_index(std::int64_t index, std::int64_t batches);

[[nodiscard]] std::unique_ptr<BatchSource> text_batches(const Corpus& corpus,
                                                        const TokenizerChoice& tokenizer,
                                                        TokenizedCorpus tokens, const BatchRequest& request);
[[nodiscard]] std::unique_ptr<BatchSource> image_batches(const Corpus& corpus, const BatchRequest& request);

}  // namespace isorbit::experiments
