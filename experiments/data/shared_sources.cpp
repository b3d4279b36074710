#include "experiments/data/shared_sources.hpp"

namespace isorbit::experiments {
namespace {

std::string text_of(const BatchRequest& r) {
  return std::to_string(r.batch) + " " + std::to_string(r.seq) + " " + std::to_string(r.vocab) + " " +
         std::to_string(r.valid_targets);
}

}  // namespace

std::shared_ptr<const BatchSource> SharedSources::open(const std::string& name,
                                                       const std::filesystem::path& data_dir,
                                                       const TokenizerChoice& tokenizer,
                                                       const BatchRequest& request) {
  const std::scoped_lock lock(mutex_);
  const Corpus corpus = open_corpus(name, data_dir);
  const std::string text = corpus.folder.string() + "\n" + corpus.sha256 + "\n" + tokenizer.label();
  std::shared_ptr<const BatchSource>& source = sources_[text + "\n" + text_of(request)];
  if (source) return source;
  if (corpus.kind == CorpusKind::images) return source = open_batches(corpus, tokenizer, request);
  auto tokens = texts_.find(text);
  if (tokens == texts_.end()) tokens = texts_.emplace(text, tokenize(corpus, tokenizer)).first;
  return source = open_batches(corpus, tokenizer, tokens->second, request);
}

}  // namespace isorbit::experiments
