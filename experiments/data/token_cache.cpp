// The token files of a corpus, made once and kept in the cache folder, in tokens/<key>, the key being that of
// text and tokenizer:
//   model                SentencePiece model, trained on train.txt
//   {train,valid}.u16    token ids, little-endian, no header
//   tokens.json          which text, model and ids belong together, by SHA-256
// The JSON file is written last, so that what it names is whole. Two processes that build at once write the
// same bytes. Where nothing can be kept, the files are made for this process alone.
#include <tbb/parallel_for.h>

#include <fstream>

#include "core/document/digest.hpp"
#include "experiments/data/bpe.hpp"
#include "experiments/data/cache_folder.hpp"
#include "experiments/data/fingerprint.hpp"
#include "experiments/data/text_check.hpp"
#include "experiments/data/tokenizer.hpp"
#include "experiments/timing/scratch_folder.hpp"

namespace isorbit::experiments {
namespace {

constexpr int format = 1;  // raised whenever the same text would give other tokens

struct TokenFiles {
  std::filesystem::path model, train, valid, sidecar;

  explicit TokenFiles(const std::filesystem::path& folder)
      : model(folder / "model"),
        train(folder / "train.u16"),
        valid(folder / "valid.u16"),
        sidecar(folder / "tokens.json") {}
};

/// What the files hold.
struct Made {
  std::string model;
  std::vector<std::uint16_t> train, valid;
};

core::Json sidecar_of(const Corpus& corpus, const TokenizerChoice& choice, const TokenFiles& files) {
  return {{"format", format},
          {"vocab", choice.vocab},
          {"text",
           {{"train", corpus.file_sha256.at("train.txt")}, {"valid", corpus.file_sha256.at("valid.txt")}}},
          {"model", file_sha256(files.model)},
          {"tokens", {{"train", file_sha256(files.train)}, {"valid", file_sha256(files.valid)}}}};
}

bool is_fresh(const Corpus& corpus, const TokenizerChoice& choice, const TokenFiles& files) {
  std::ifstream in(files.sidecar);
  if (!in) return false;
  try {
    return core::Json::parse(in, nullptr, false) == sidecar_of(corpus, choice, files);
  } catch (const DataError&) {  // a file of it is gone
    return false;
  }
}

// Cut after newlines into parts of about a megabyte, encoded side by side; the ids do not depend on the cuts.
std::vector<std::uint16_t> encode_all(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n', std::size_t{1} << 20);
    parts.push_back(text.substr(0, newline == std::string_view::npos ? text.size() : newline + 1));
    text.remove_prefix(parts.back().size());
  }
  std::vector<std::vector<std::int32_t>> encoded(parts.size());
  tbb::parallel_for(std::size_t{0}, parts.size(),
                    [&](std::size_t i) { encoded[i] = tokenizer.encode(parts[i]); });
  std::vector<std::uint16_t> ids;
  for (const auto& part : encoded)
    for (const std::int32_t id : part) ids.push_back(static_cast<std::uint16_t>(id));
  return ids;
}

Made make(const Corpus& corpus, const TokenizerChoice& choice) {
  const DataFile train(corpus.file("train.txt")), valid(corpus.file("valid.txt"));
  for (const DataFile* file : {&train, &valid}) check_text(*file);
  const std::string train_text = train.text(), valid_text = valid.text();
  check_utf8(train_text, train.path().string());
  check_utf8(valid_text, valid.path().string());
  Made made{train_bpe(train_text, choice.vocab, train.path().string()), {}, {}};
  const auto tokenizer = bpe_tokenizer(made.model, train.path().string());
  const auto ids_of = [&](const std::string& text, const DataFile& from) {
    try {
      return encode_all(*tokenizer, text);
    } catch (const DataError& error) {
      throw DataError(from.path().string() + ": " + error.what());
    }
  };
  made.train = ids_of(train_text, train);
  made.valid = ids_of(valid_text, valid);
  return made;
}

/// Throws DataError where they cannot be written.
void write(const Made& made, const Corpus& corpus, const TokenizerChoice& choice, const TokenFiles& files) {
  write_and_rename(files.model, std::as_bytes(std::span(made.model)));
  write_and_rename(files.train, std::as_bytes(std::span(made.train)));
  write_and_rename(files.valid, std::as_bytes(std::span(made.valid)));
  const std::string sidecar = sidecar_of(corpus, choice, files).dump(2) + "\n";
  write_and_rename(files.sidecar, std::as_bytes(std::span(sidecar)));
}

TokenizedCorpus open_tokens(const Corpus& corpus, const TokenizerChoice& choice, const TokenFiles& files) {
  const std::string model = DataFile(files.model).text();
  return {bpe_tokenizer(model, files.model.string()), Tokens(files.train, 2), Tokens(files.valid, 2),
          core::sha256_hex(corpus.sha256 + "\n" + choice.label() + " " + file_sha256(files.model) + "\n")};
}

/// Keeps what was made, if that is possible; it is open in any case.
TokenizedCorpus keep(const Made& made, const Corpus& corpus, const TokenizerChoice& choice) {
  if (const std::filesystem::path folder = token_folder(corpus, choice); !folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    try {
      write(made, corpus, choice, TokenFiles(folder));
      return open_tokens(corpus, choice, TokenFiles(folder));
    } catch (const DataError&) {  // a full or read-only cache
    }
  }
  const ScratchFolder own;
  write(made, corpus, choice, TokenFiles(own.path()));
  return open_tokens(corpus, choice, TokenFiles(own.path()));
}

}  // namespace

std::filesystem::path token_folder(const Corpus& corpus, const TokenizerChoice& choice) {
  if (cache_folder().empty()) return {};
  const std::string text = corpus.file_sha256.at("train.txt") + "\n" + corpus.file_sha256.at("valid.txt");
  const std::string key = core::sha256_hex(text + "\n" + choice.label() + "\n" + std::to_string(format));
  return cache_folder() / "tokens" / key.substr(0, 32);
}

TokenizedCorpus tokenize(const Corpus& corpus, const TokenizerChoice& choice) {
  if (corpus.kind != CorpusKind::text)
    throw DataError("corpus \"" + corpus.name + "\" holds images: it takes no tokenizer");
  if (choice.kind == "bytes") {
    for (const char* name : {"train.txt", "valid.txt"}) check_text(DataFile(corpus.file(name)));
    return {std::make_shared<ByteTokenizer>(), Tokens(corpus.file("train.txt"), 1),
            Tokens(corpus.file("valid.txt"), 1), core::sha256_hex(corpus.sha256 + "\nbytes\n")};
  }
  if (choice.kind != "bpe")
    throw DataError("tokenizer: found \"" + choice.kind + "\"; expected bytes or bpe");
  const std::filesystem::path folder = token_folder(corpus, choice);
  if (!folder.empty() && is_fresh(corpus, choice, TokenFiles(folder)))
    return open_tokens(corpus, choice, TokenFiles(folder));
  return keep(make(corpus, choice), corpus, choice);
}

}  // namespace isorbit::experiments
