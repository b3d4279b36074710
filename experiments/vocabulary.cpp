// The words that methods are made of, gathered from the registries.
#include <algorithm>
#include <set>
#include <stdexcept>

#include "experiments/method.hpp"
#include "experiments/updates/word.hpp"

namespace isorbit::experiments {

namespace {

template <class Word>
void refuse_repeats(const char* slot, const std::vector<Word>& words) {
  std::set<std::string> seen;
  for (const Word& word : words)
    if (!seen.insert(word.name).second)
      throw std::logic_error(std::string(slot) + " \"" + word.name + "\" is declared twice");
}

/// What may stand within a word that holds words: its direction is another tensor's, and who holds it has the
/// step size.
core::Field inner_field(const std::vector<Update>& words) {
  std::vector<std::pair<std::string, core::Spec>> choices;
  for (const Update& word : words)
    if (!word.holds_words && !word.expand && word.name != "learning_rate")
      choices.emplace_back(word.name, core::Spec::object(word.fields).help(word.doc));
  return {"update", core::Spec::list(core::Spec::variant("kind", std::move(choices))).at_least_items(1),
          "the words that run within it, in order", core::Json::array({{{"kind", "adam"}}})};
}

Vocabulary gather() {
  Vocabulary all{parametrizations::registered(), updates::registered(), events::registered(),
                 schedules::registered()};
  refuse_repeats("parametrization", all.parametrizations);
  refuse_repeats("update", all.updates);
  refuse_repeats("event", all.events);
  refuse_repeats("schedule", all.schedules);
  const core::Field inner = inner_field(all.updates);
  for (Update& word : all.updates)
    if (word.holds_words) word.fields.push_back(inner);
  for (const Update& word : all.updates)
    if (static_cast<bool>(word.prepare) == static_cast<bool>(word.expand))
      throw std::logic_error("update \"" + word.name + "\" must have either prepare or expand");
  return all;
}

}  // namespace

const Vocabulary& Vocabulary::all() {
  static const Vocabulary words = gather();
  return words;
}

const Update& updates::word_of(const core::Json& fields) {
  const auto name = fields.at("kind").get<std::string>();
  const std::vector<Update>& words = Vocabulary::all().updates;
  const auto found = std::ranges::find(words, name, &Update::name);
  if (found == words.end()) throw std::logic_error("no update is called \"" + name + "\"");
  return *found;
}

}  // namespace isorbit::experiments
