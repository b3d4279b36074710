#include "experiments/data/validation_set.hpp"

#include "core/document/digest.hpp"

namespace isorbit::experiments {

std::string validation_sha256(const Corpus& corpus, const TokenizerChoice& tokenizer,
                              const BatchRequest& request, const std::string& data_sha256) {
  std::string text;
  for (const auto& [name, sha256] : corpus.file_sha256)
    if (name.starts_with("valid")) text += name + " " + sha256 + "\n";
  if (corpus.kind == CorpusKind::text) {
    text += tokenizer.label() + " " + (tokenizer.kind == "bytes" ? "" : data_sha256) + "\n";
    text += "seq " + std::to_string(request.seq) + "\n";
  }
  return core::sha256_hex(text + "valid_targets " + std::to_string(request.valid_targets) + "\n");
}

}  // namespace isorbit::experiments
