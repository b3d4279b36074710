// Accuracy on a task without training: an item's choices are put into its gap, and the model is taken to
// answer with the one whose completion, the word and what follows it, it finds likeliest:
//   argmax_c  log p(choice_c after | "\n" before) / length(choice_c after)
// The tokens all choices begin with are common and left out of the sum.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/record/run_file.hpp"
#include "experiments/data/tokenizer.hpp"
#include "experiments/evaluation/scorer.hpp"
#include "experiments/task.hpp"

namespace isorbit::experiments {

/// What a log-likelihood is divided by: the completion's bytes, its tokens, or nothing.
enum class Normalization { bytes, tokens, none };
[[nodiscard]] const std::vector<std::string>& normalization_names();
[[nodiscard]] Normalization normalization_from(const std::string& name);

/// Items scored where nobody says how many: +-2 % of accuracy.
inline constexpr std::size_t kItemLimit = 2000;

struct ChoiceScore {
  double log_likelihood = 0;  // nats
  std::int64_t bytes = 0, tokens = 0;
};

struct TaskResult {
  const Task* task = nullptr;
  Normalization normalization = Normalization::bytes;
  std::vector<Item> items;
  std::vector<std::vector<ChoiceScore>> scores;  // by item and choice
  std::vector<std::size_t> chosen;               // by item
  std::size_t correct = 0;
  double accuracy = 0, low = 0, high = 0;  // with its 95 % confidence interval (Wilson)
  double chance = 0;                       // 1 / choices
  double majority = 0;                     // always giving the commonest answer
};

/// The first `limit` items; 0: all.
[[nodiscard]] TaskResult evaluate(const Task& task, std::vector<Item> items, std::size_t limit,
                                  const Tokenizer& tokenizer, Scorer& scorer, Normalization normalization);

/// The tables /eval/<task> (a row) and /eval/<task>/items (a row an item) of a record.
[[nodiscard]] std::vector<core::Series> series_of(const TaskResult& result, std::int64_t step);

/// Puts the tables of a result in place of those a record may have of that task.
void replace_result(core::RunRecord& record, const TaskResult& result, std::int64_t step);

}  // namespace isorbit::experiments
