#include "experiments/evaluation/cell_evaluation.hpp"

#include "experiments/evaluation/items.hpp"

namespace isorbit::experiments {

namespace {

Corpus corpus_of(const core::Json& document, const std::filesystem::path& data_dir) {
  return open_corpus(document.at("data").at("corpus").get<std::string>(), data_dir);
}

}  // namespace

CellEvaluation::CellEvaluation(core::Json document, const std::filesystem::path& data_dir,
                               const std::vector<std::string>& tasks)
    : document_(std::move(document)),
      tokens_(tokenize(corpus_of(document_, data_dir),
                       TokenizerChoice::from_json(document_.at("data").at("tokenizer")))) {
  const Corpus corpus = corpus_of(document_, data_dir);
  for (const std::string& name : tasks) {
    const Task& task = task_named(name);
    items_.emplace_back(&task, items_of(task, corpus, data_dir));
  }
}

std::vector<TaskResult> CellEvaluation::run(const core::TensorFile& weights, std::size_t limit,
                                            Normalization normalization) const {
  Scorer scorer(document_.at("model"), weights, document_.at("training").at("threads").get<int>());
  std::vector<TaskResult> out;
  for (const auto& [task, items] : items_)
    out.push_back(evaluate(*task, items, limit, *tokens_.tokenizer, scorer, normalization));
  return out;
}

}  // namespace isorbit::experiments
