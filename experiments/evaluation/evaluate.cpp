#include "experiments/evaluation/evaluate.hpp"

#include <algorithm>

#include "analysis/statistics.hpp"

namespace isorbit::experiments {

namespace {

/// Tokens of the sentence with each choice, on a line of its own, and how many of them are common.
std::vector<Passage> passages_of(const Item& item, const Tokenizer& tokenizer) {
  std::vector<Passage> out;
  for (const std::string& choice : item.choices)
    out.push_back({tokenizer.encode("\n" + item.before + choice + item.after), 0});
  std::size_t common = out[0].tokens.size();
  for (const Passage& other : out) {
    const auto [a, b] = std::ranges::mismatch(out[0].tokens, other.tokens);
    common = std::min(common, static_cast<std::size_t>(a - out[0].tokens.begin()));
  }
  for (Passage& passage : out) passage.first = std::max<std::size_t>(common, 1);
  return out;
}

double normalized(const ChoiceScore& score, Normalization how) {
  if (how == Normalization::none) return score.log_likelihood;
  const std::int64_t length = how == Normalization::bytes ? score.bytes : score.tokens;
  return score.log_likelihood / static_cast<double>(std::max<std::int64_t>(length, 1));
}

double majority(const std::vector<Item>& items, std::size_t choices) {
  std::vector<std::size_t> counts(choices, 0);
  for (const Item& item : items) ++counts[item.answer];
  return static_cast<double>(*std::ranges::max_element(counts)) / static_cast<double>(items.size());
}

template <class T, class Of>
std::vector<T> each(const TaskResult& result, Of of) {
  std::vector<T> out;
  for (std::size_t i = 0; i < result.items.size(); ++i) out.push_back(static_cast<T>(of(i)));
  return out;
}

core::Series items_series(const TaskResult& result) {
  const auto integers = [&](auto of) { return each<std::int64_t>(result, of); };
  core::Series s{"eval/" + result.task->name + "/items", {}};
  s.columns.push_back({"item", integers([](std::size_t i) { return i; }), "1", "in the order of the task"});
  s.columns.push_back(
      {"sentence",
       each<std::string>(
           result, [&](std::size_t i) { return result.items[i].before + "___" + result.items[i].after; }),
       "", "with its gap"});
  s.columns.push_back(
      {"answer", integers([&](std::size_t i) { return result.items[i].answer; }), "1", "right choice"});
  s.columns.push_back(
      {"chosen", integers([&](std::size_t i) { return result.chosen[i]; }), "1", "the model's choice"});
  for (std::size_t c = 0; c < result.task->choices; ++c) {
    const std::string k = "_" + std::to_string(c);
    s.columns.push_back({"choice" + k,
                         each<std::string>(result, [&](std::size_t i) { return result.items[i].choices[c]; }),
                         "", ""});
    s.columns.push_back(
        {"log_likelihood" + k,
         each<double>(result, [&](std::size_t i) { return result.scores[i][c].log_likelihood; }), "nats",
         "of the word and what follows it"});
    s.columns.push_back(
        {"bytes" + k, integers([&](std::size_t i) { return result.scores[i][c].bytes; }), "byte", ""});
    s.columns.push_back(
        {"tokens" + k, integers([&](std::size_t i) { return result.scores[i][c].tokens; }), "1", ""});
  }
  return s;
}

}  // namespace

const std::vector<std::string>& normalization_names() {
  static const std::vector<std::string> names = {"bytes", "tokens", "none"};
  return names;
}

Normalization normalization_from(const std::string& name) {
  return name == "none"     ? Normalization::none
         : name == "tokens" ? Normalization::tokens
                            : Normalization::bytes;
}

TaskResult evaluate(const Task& task, std::vector<Item> items, std::size_t limit, const Tokenizer& tokenizer,
                    Scorer& scorer, Normalization normalization) {
  TaskResult result;
  result.task = &task;
  result.normalization = normalization;
  if (limit > 0 && items.size() > limit) items.resize(limit);
  result.items = std::move(items);
  std::vector<Passage> passages;
  for (const Item& item : result.items)
    for (Passage& passage : passages_of(item, tokenizer)) passages.push_back(std::move(passage));
  const std::vector<double> sums = scorer.log_likelihoods(passages);
  std::size_t at = 0;
  for (const Item& item : result.items) {
    std::vector<ChoiceScore>& scores = result.scores.emplace_back();
    for (const std::string& choice : item.choices) {
      scores.push_back({sums[at], static_cast<std::int64_t>(choice.size() + item.after.size()),
                        static_cast<std::int64_t>(passages[at].tokens.size() - passages[at].first)});
      ++at;
    }
    const auto best = std::ranges::max_element(
        scores, {}, [&](const ChoiceScore& score) { return normalized(score, normalization); });
    result.chosen.push_back(static_cast<std::size_t>(best - scores.begin()));
    result.correct += result.chosen.back() == item.answer ? 1 : 0;
  }
  const analysis::Proportion share = analysis::wilson_interval(result.correct, result.items.size());
  result.accuracy = share.value;
  result.low = share.low;
  result.high = share.high;
  result.chance = 1.0 / static_cast<double>(task.choices);
  result.majority = majority(result.items, task.choices);
  return result;
}

std::vector<core::Series> series_of(const TaskResult& result, std::int64_t step) {
  using Integers = std::vector<std::int64_t>;
  using Numbers = std::vector<double>;
  core::Series s{"eval/" + result.task->name, {}};
  s.columns = {
      {"step", Integers{step}, "1", "finished updates"},
      {"scored", Integers{static_cast<std::int64_t>(result.items.size())}, "1", "items scored"},
      {"accuracy", Numbers{result.accuracy}, "1", "share of items answered right"},
      {"low", Numbers{result.low}, "1", "95 % confidence interval of the accuracy"},
      {"high", Numbers{result.high}, "1", "95 % confidence interval of the accuracy"},
      {"chance", Numbers{result.chance}, "1", "accuracy of guessing"},
      {"majority", Numbers{result.majority}, "1", "accuracy of always giving the commonest answer"},
      {"normalization",
       std::vector<std::string>{normalization_names()[static_cast<std::size_t>(result.normalization)]}, "",
       "what log-likelihoods are divided by"}};
  return {std::move(s), items_series(result)};
}

void replace_result(core::RunRecord& record, const TaskResult& result, std::int64_t step) {
  for (core::Series& series : series_of(result, step)) {
    std::erase_if(record.series, [&](const core::Series& old) { return old.path == series.path; });
    record.series.push_back(std::move(series));
  }
}

}  // namespace isorbit::experiments
