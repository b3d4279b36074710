// The description of a method document, made of the registered words.
#include "experiments/method.hpp"

namespace isorbit::experiments {

namespace {

using core::Field;
using core::Json;
using core::Spec;

/// The words of a slot, each an object chosen by "kind". `more` stands beside every word's own fields.
template <class T>
Spec words(const std::vector<T>& slot, const std::vector<Field>& more = {}) {
  std::vector<std::pair<std::string, Spec>> choices;
  for (const T& word : slot) {
    std::vector<Field> fields = word.fields;
    fields.insert(fields.end(), more.begin(), more.end());
    choices.emplace_back(word.name, Spec::object(std::move(fields)).help(word.doc));
  }
  return Spec::variant("kind", std::move(choices));
}

Spec events_spec() {
  const Spec steps = Spec::list(Spec::integer().at_least(0).at_most(1e9)).at_least_items(1);
  const std::vector<Field> times = {
      {"every", Spec::integer().at_least(1).at_most(1e9), "steps from one time to the next", {}, true},
      {"at", steps, "finished updates at which it happens; 0 is before training", {}, true}};
  return Spec::list(words(Vocabulary::all().events, times));
}

}  // namespace

Spec method_spec() {
  const Vocabulary& all = Vocabulary::all();
  const Spec constant = Spec::either({Spec::number(), Spec::boolean(), Spec::text()});
  const Spec group =
      Spec::object({{"name",
                     Spec::text().at_least_items(1),
                     "what records call its learning rate by; its pattern where absent",
                     {},
                     true},
                    {"parameters",
                     Spec::text().at_least_items(1),
                     "pattern over names of parameters: * any characters, ? one, {a,b} either",
                     {}},
                    {"parametrization", words(all.parametrizations),
                     "in which coordinates its weights are trained", Json{{"kind", "dense"}}},
                    {"update",
                     Spec::list(words(all.updates)),
                     "what becomes of a gradient, in order; []: its tensors stay as they are",
                     {}},
                    {"events", events_spec(), "what happens to its weights between steps", Json::array()},
                    {"optional",
                     Spec::boolean(),
                     "true: a model without parameters of that name is right too, as where a layer is absent",
                     {},
                     true}});
  return Spec::object(
      {{"name", Spec::text().at_least_items(1), "name of the method", {}},
       {"doc", Spec::text(), "one line on it", {}, true},
       {"constants", Spec::map(constant),
        "numbers by name, for use in expressions; set from outside by a sweep", Json::object()},
       {"clip_norm",
        clip_spec(),
        "gradients are scaled down to this Euclidean norm of all of them together; a number, or an object; "
        "null: "
        "they are not",
        {},
        true},
       {"groups",
        Spec::list(group).at_least_items(1),
        "the first one whose pattern names a parameter has it",
        {}},
       {"events", events_spec(), "what happens to all weights between steps, after the groups'",
        Json::array()}});
}

}  // namespace isorbit::experiments
