// Tasks without training for the model of a cell: its corpus decides the items, its tokenizer the tokens.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/evaluation/evaluate.hpp"

namespace isorbit::experiments {

class CellEvaluation {
 public:
  /// Makes or finds the items, so that what is missing is said before anything is trained. `document`: the
  /// cell's, resolved. Throws DataError.
  CellEvaluation(core::Json document, const std::filesystem::path& data_dir,
                 const std::vector<std::string>& tasks);

  /// What a record has as data_sha256 when it was trained on this corpus with this tokenizer.
  [[nodiscard]] const std::string& data_sha256() const { return tokens_.sha256; }

  /// Every task, in order, with weights by their names in the model.
  [[nodiscard]] std::vector<TaskResult> run(const core::TensorFile& weights, std::size_t limit,
                                            Normalization normalization) const;

 private:
  core::Json document_;
  TokenizedCorpus tokens_;
  std::vector<std::pair<const Task*, std::vector<Item>>> items_;
};

}  // namespace isorbit::experiments
