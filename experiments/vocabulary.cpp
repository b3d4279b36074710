// The words that methods are made of, gathered from the registries.
#include <set>
#include <stdexcept>

#include "experiments/method.hpp"

namespace isorbit::experiments {

namespace {

template <class Word>
void refuse_repeats(const char* slot, const std::vector<Word>& words) {
  std::set<std::string> seen;
  for (const Word& word : words)
    if (!seen.insert(word.name).second)
      throw std::logic_error(std::string(slot) + " \"" + word.name + "\" is declared twice");
}

Vocabulary gather() {
  Vocabulary all{parametrizations::registered(), updates::registered(), events::registered(),
                 schedules::registered()};
  refuse_repeats("parametrization", all.parametrizations);
  refuse_repeats("update", all.updates);
  refuse_repeats("event", all.events);
  refuse_repeats("schedule", all.schedules);
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

}  // namespace isorbit::experiments
