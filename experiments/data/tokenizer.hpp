// From text to token ids and back, without loss.
//   bytes  a byte is a token, vocab 256; the text file itself is the token file (u8)
//   bpe    byte-pair encoding trained by SentencePiece on train.txt, which is UTF-8; ids are u16,
//          little-endian, no header
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/document/json.hpp"
#include "experiments/data/corpus.hpp"
#include "experiments/data/data_file.hpp"

namespace isorbit::experiments {

struct TokenizerChoice {
  std::string kind = "bytes";  // bytes | bpe
  std::int64_t vocab = 256;    // bpe: 260..65536 pieces

  /// From a document's `"bytes"` or `{"kind": "bpe", "vocab": 4096}`. Throws DataError.
  [[nodiscard]] static TokenizerChoice from_json(const core::Json& value);
  [[nodiscard]] std::string label() const;  // "bytes", "bpe-4096"
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  [[nodiscard]] virtual std::int64_t vocab() const = 0;
  [[nodiscard]] virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  /// The bytes that were encoded, newlines included. An id outside [0, vocab) is a DataError.
  [[nodiscard]] virtual std::string decode(std::span<const std::int32_t> ids) const = 0;
  /// Bytes of text that all but the first of these neighbours of a token file stand for.
  [[nodiscard]] virtual std::int64_t bytes_behind_first(std::span<const std::int32_t> ids) const = 0;
};

/// A byte is a token.
class ByteTokenizer final : public Tokenizer {
 public:
  [[nodiscard]] std::int64_t vocab() const override { return 256; }
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const override;
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const override;
  [[nodiscard]] std::int64_t bytes_behind_first(std::span<const std::int32_t> ids) const override {
    return std::ssize(ids) - 1;
  }
};

/// One split of a corpus as token ids, read from disk. Copies share the open file.
class Tokens {
 public:
  /// `width`: bytes a token, 1 or 2. Throws DataError when the file is no whole number of tokens.
  Tokens(const std::filesystem::path& file, int width);
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] const std::filesystem::path& path() const { return file_->path(); }
  /// Throws DataError when the file has changed; call it after a batch of copies.
  void check() const { file_->check(); }
  /// Tokens [offset, offset + out.size()) as s32. Throws DataError when the range ends too late, or behind
  /// what is left of the file.
  void copy(std::int64_t offset, std::span<std::int32_t> out) const;
  /// counts[id] = occurrences of id, as long as the largest id seen plus one.
  [[nodiscard]] std::vector<std::uint64_t> histogram() const;

 private:
  std::shared_ptr<const DataFile> file_;
  int width_ = 1;
  std::int64_t size_ = 0;
};

struct TokenizedCorpus {
  std::shared_ptr<const Tokenizer> tokenizer;
  Tokens train;
  Tokens valid;
  std::string sha256;  // of text, tokenizer and, for bpe, its model
};

/// Where the tokens of `bpe` are kept: a folder of the cache folder, by text and tokenizer. Empty where there
/// is no cache.
[[nodiscard]] std::filesystem::path token_folder(const Corpus& corpus, const TokenizerChoice& choice);

/// Tokenizes a text corpus. `bpe` is trained once and kept in token_folder(); what is damaged there is made
/// again. Throws DataError, also where a file is no text (text_check.hpp).
[[nodiscard]] TokenizedCorpus tokenize(const Corpus& corpus, const TokenizerChoice& choice);

}  // namespace isorbit::experiments
