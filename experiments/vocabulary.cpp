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
core::Spec inner_words(const std::vector<Update>& words) {
  std::vector<std::pair<std::string, core::Spec>> choices;
  for (const Update& word : words)
    if (!word.holds_words && !word.expand && word.name != "learning_rate")
      choices.emplace_back(word.name, core::Spec::object(word.fields).help(word.doc));
  return core::Spec::list(core::Spec::variant("kind", std::move(choices))).at_least_items(1);
}

bool lists_words(const core::Field& field) {
  const core::Spec::Description& d = field.spec.description();
  if (d.kind != core::Spec::Kind::list) return false;
  const auto element = d.elements[0].description().kind;
  return element == core::Spec::Kind::any || element == core::Spec::Kind::variant;
}

Vocabulary gather() {
  Vocabulary all{parametrizations::registered(), updates::registered(), events::registered(),
                 schedules::registered()};
  refuse_repeats("parametrization", all.parametrizations);
  refuse_repeats("update", all.updates);
  refuse_repeats("event", all.events);
  refuse_repeats("schedule", all.schedules);
  const core::Spec inner = inner_words(all.updates);
  for (Update& word : all.updates)
    for (core::Field& field : word.fields)
      if (word.holds_words && lists_words(field)) field.spec = inner;
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

core::Spec updates::held_words() { return core::Spec::list(core::Spec::any()); }

const core::Field& updates::held_field(const Update& word) {
  const auto found = std::ranges::find_if(word.fields, lists_words);
  if (found == word.fields.end())
    throw std::logic_error("update \"" + word.name + "\" holds words and has no field of them: held_words()");
  return *found;
}

}  // namespace isorbit::experiments
