// Byte-pair encoding by SentencePiece, set up so that nothing is lost: no normalization, a byte piece for
// every byte without a piece of its own, runs of spaces kept.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "experiments/data/tokenizer.hpp"

namespace isorbit::experiments {

/// The serialized model of exactly `vocab` pieces, the same for the same text and library version.
/// Single-threaded, silent. Throws DataError when the text has too few pairs or too many characters for
/// `vocab`; `where` names the text in it.
[[nodiscard]] std::string train_bpe(std::string_view text, std::int64_t vocab, const std::string& where);

/// A tokenizer from a serialized model; throws DataError naming `where` when it is none.
/// Encoding goes line by line, each with its newline; a line that would not come back exactly (bytes that are
/// not UTF-8, the character U+2581) is a DataError.
[[nodiscard]] std::shared_ptr<const Tokenizer> bpe_tokenizer(std::string_view model,
                                                             const std::string& where);

}  // namespace isorbit::experiments
