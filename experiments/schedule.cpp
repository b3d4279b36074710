// A number that may move: a plain number, or a schedule word with its fields.
#include "experiments/schedule.hpp"

#include <utility>

#include "experiments/method.hpp"

namespace isorbit::experiments {

core::Spec scheduled_number() {
  std::vector<std::pair<std::string, core::Spec>> choices;
  for (Schedule& word : schedules::registered())
    choices.emplace_back(word.name, core::Spec::object(std::move(word.fields)).help(word.doc));
  return core::Spec::either(
      {core::Spec::number().at_least(0), core::Spec::variant("schedule", std::move(choices))});
}

const Schedule& schedule_of(const core::Json& value) {
  const auto name = value.at("schedule").get<std::string>();
  for (const Schedule& word : Vocabulary::all().schedules)
    if (word.name == name) return word;
  throw std::logic_error("no schedule is called \"" + name + "\"; the number was not resolved");
}

double number_at(const core::Json& value, std::int64_t step, std::int64_t steps) {
  return value.is_number() ? value.get<double>() : schedule_of(value).at(value, step, steps);
}

double largest_number(const core::Json& value) {
  return value.is_number() ? value.get<double>() : schedule_of(value).largest(value);
}

}  // namespace isorbit::experiments
