// What a validation covers, told apart.
#pragma once
#include <string>

#include "experiments/data/batch_source.hpp"

namespace isorbit::experiments {

/// SHA-256 of what decides the targets of a validation and what stands before each: the validation split, the
/// tokenizer, seq and valid_targets of the request. Two runs of which it is equal have losses that can be
/// subtracted, whatever they trained on. `data_sha256` is that of the batches, which a trained tokenizer
/// depends on.
[[nodiscard]] std::string validation_sha256(const Corpus& corpus, const TokenizerChoice& tokenizer,
                                            const BatchRequest& request, const std::string& data_sha256);

}  // namespace isorbit::experiments
