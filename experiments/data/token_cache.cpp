// The token files of a corpus, made once:
//   bpe-<vocab>.model               SentencePiece model, trained on train.txt
//   bpe-<vocab>.{train,valid}.u16   token ids, little-endian, no header
//   bpe-<vocab>.json                which text, model and ids belong together, by SHA-256
// The JSON file is written last, so that what it names is whole. Two processes that build at once write the
// same bytes.
#include <tbb/parallel_for.h>

#include <fstream>

#include "core/document/digest.hpp"
#include "experiments/data/bpe.hpp"
#include "experiments/data/fingerprint.hpp"
#include "experiments/data/tokenizer.hpp"

namespace isorbit::experiments {
namespace {

constexpr int format = 1;  // raised whenever the same text would give other tokens

struct CacheFiles {
  std::filesystem::path model, train, valid, sidecar;

  CacheFiles(const Corpus& corpus, const TokenizerChoice& choice)
      : model(corpus.file(choice.label() + ".model")),
        train(corpus.file(choice.label() + ".train.u16")),
        valid(corpus.file(choice.label() + ".valid.u16")),
        sidecar(corpus.file(choice.label() + ".json")) {}
};

core::Json sidecar_of(const Corpus& corpus, const TokenizerChoice& choice, const CacheFiles& files) {
  return {{"format", format},
          {"vocab", choice.vocab},
          {"text",
           {{"train", corpus.file_sha256.at("train.txt")}, {"valid", corpus.file_sha256.at("valid.txt")}}},
          {"model", file_sha256(files.model)},
          {"tokens", {{"train", file_sha256(files.train)}, {"valid", file_sha256(files.valid)}}}};
}

bool is_fresh(const Corpus& corpus, const TokenizerChoice& choice, const CacheFiles& files) {
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

void build(const Corpus& corpus, const TokenizerChoice& choice, const CacheFiles& files) {
  const DataFile train(corpus.file("train.txt")), valid(corpus.file("valid.txt"));
  const std::string train_text = train.text();
  const std::string model = train_bpe(train_text, choice.vocab, train.path().string());
  const auto tokenizer = bpe_tokenizer(model, files.model.string());
  const auto write = [&](const std::string& text, const DataFile& from, const std::filesystem::path& file) {
    std::vector<std::uint16_t> ids;
    try {
      ids = encode_all(*tokenizer, text);
    } catch (const DataError& error) {
      throw DataError(from.path().string() + ": " + error.what());
    }
    write_and_rename(file, std::as_bytes(std::span(ids)));
  };
  write_and_rename(files.model, std::as_bytes(std::span(model)));
  write(train_text, train, files.train);
  write(valid.text(), valid, files.valid);
  const std::string sidecar = sidecar_of(corpus, choice, files).dump(2) + "\n";
  write_and_rename(files.sidecar, std::as_bytes(std::span(sidecar)));
}

}  // namespace

TokenizedCorpus tokenize(const Corpus& corpus, const TokenizerChoice& choice) {
  if (corpus.kind != CorpusKind::text)
    throw DataError("corpus \"" + corpus.name + "\" holds images: it takes no tokenizer");
  if (choice.kind == "bytes")
    return {std::make_shared<ByteTokenizer>(), Tokens(corpus.file("train.txt"), 1),
            Tokens(corpus.file("valid.txt"), 1), 1.0, core::sha256_hex(corpus.sha256 + "\nbytes\n")};
  if (choice.kind != "bpe")
    throw DataError("tokenizer: found \"" + choice.kind + "\"; expected bytes or bpe");
  const CacheFiles files(corpus, choice);
  if (!is_fresh(corpus, choice, files)) build(corpus, choice, files);
  const std::string model = DataFile(files.model).text();
  Tokens train(files.train, 2), valid(files.valid, 2);
  const auto text_bytes = static_cast<double>(std::filesystem::file_size(corpus.file("valid.txt")));
  const double bytes_per_token = valid.size() == 0 ? 0 : text_bytes / static_cast<double>(valid.size());
  return {bpe_tokenizer(model, files.model.string()), std::move(train), std::move(valid), bytes_per_token,
          core::sha256_hex(corpus.sha256 + "\n" + choice.label() + " " + file_sha256(files.model) + "\n")};
}

}  // namespace isorbit::experiments
