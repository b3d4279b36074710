// Whether a method fits a model: every parameter has a group, every parametrization fits its weights, every
// event finds what it works on.
#include <set>
#include <stdexcept>

#include "experiments/method.hpp"
#include "experiments/training/pairs.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

std::string in_quotes(const std::string& word) { return core::shown(Json(word)); }

struct Check {
  const Method& method;
  const core::Model& model;
  const core::Document& document;
  core::Problems& problems;

  void report(const std::string& pointer, std::string found, std::string expected, std::string because = {},
              std::string suggestion = {}) const {
    problems.add(document, pointer, std::move(found), std::move(expected), std::move(because),
                 std::move(suggestion));
  }

  void groups() const;
  void fit(const Group& group, const std::string& name, const core::Shape& shape,
           std::set<std::string>& said) const;
  template <class T>
  bool fits(const Word<T>& word, const std::string& tensor, const core::Shape& shape,
            std::set<std::string>& said) const;
  void unused(std::size_t group) const;
  void event(const EventWord& event, const std::string& at, std::optional<std::size_t> group) const;
  void merge(const std::string& at, std::optional<std::size_t> group) const;
  void pairs(const EventWord& event, const std::string& at, std::optional<std::size_t> group) const;
  void pair(const core::ScalingPair& pair, const std::string& at, std::optional<std::size_t> group) const;
};

void Check::groups() const {
  std::set<std::size_t> used;
  std::set<std::string> said;
  bool trains = false;
  for (const core::Parameter& p : model.graph.parameters) {
    const core::Value& value = model.graph.value(p.value);
    const auto group = method.group_of(value.name);
    if (!group) {
      report("/groups", "no group for " + in_quotes(value.name),
             "a group whose \"parameters\" names every parameter of the model", {},
             "a last group with \"parameters\": \"*\"");
      continue;
    }
    used.insert(*group);
    trains = trains || !method.groups[*group].update.empty();
    fit(method.groups[*group], value.name, value.type.shape, said);
  }
  if (!trains)
    report("/groups", "\"update\": [] in every group that has parameters", "a group that trains some",
           "nothing would ever change");
  for (std::size_t g = 0; g < method.groups.size(); ++g)
    if (!used.contains(g) && method.groups[g].parameters != "*") unused(g);
}

/// Whether a word fits a tensor. Reports where it does not; what was said of another tensor is not said
/// again.
template <class T>
bool Check::fits(const Word<T>& word, const std::string& tensor, const core::Shape& shape,
                 std::set<std::string>& said) const {
  if (!word.word->misfits) return true;
  const std::vector<Misfit> misfits = word.word->misfits(word.fields, shape);
  for (const Misfit& misfit : misfits) {
    const bool present = document.root.contains(Json::json_pointer(word.at + "/" + misfit.field));
    const std::string place = present ? word.at + "/" + misfit.field : word.at;
    if (!said.insert(place + misfit.found + misfit.expected).second) continue;
    report(place, misfit.found, misfit.expected,
           misfit.because.empty() ? "" : in_quotes(tensor) + " " + misfit.because, misfit.suggestion);
  }
  return misfits.empty();
}

/// A weight under its group's parametrization, and what is trained of it under the group's update.
void Check::fit(const Group& group, const std::string& name, const core::Shape& shape,
                std::set<std::string>& said) const {
  const Word<Parametrization>& word = group.parametrization;
  if (!fits(word, name, shape, said)) return;
  std::vector<std::pair<std::string, core::Shape>> trained;
  if (!word.word->coordinates) {
    trained.emplace_back(name, shape);
  } else {
    for (const Coordinate& c : word.word->coordinates(word.fields, shape))
      if (c.trainable) trained.emplace_back(name + "/" + c.name, c.type.shape);
  }
  for (const Word<Update>& update : group.update)
    for (const auto& [tensor, extents] : trained) fits(update, tensor, extents, said);
}

void Check::unused(std::size_t group) const {
  std::vector<std::string> names;
  bool taken = false;
  for (const core::Parameter& p : model.graph.parameters) {
    names.push_back(model.graph.value(p.value).name);
    taken = taken || matches(method.groups[group].parameters, names.back());
  }
  const auto near = core::nearest(method.groups[group].parameters, names);
  report(core::pointer_join("/groups", group) + "/parameters", in_quotes(method.groups[group].parameters),
         "a pattern that names a parameter of the model which no group before it names",
         taken ? "earlier groups have all that it names"
               : "nothing in model " + in_quotes(model.name) + " is called so",
         near ? in_quotes(*near) : "");
}

void Check::event(const EventWord& event, const std::string& at, std::optional<std::size_t> group) const {
  if (event.word->name == "merge") merge(at, group);
  if (event.fields.contains("pairs")) pairs(event, at, group);
}

void Check::merge(const std::string& at, std::optional<std::size_t> group) const {
  std::vector<std::string> able;
  for (const Parametrization& word : Vocabulary::all().parametrizations)
    if (word.coordinates) able.push_back(word.name);
  for (std::size_t g = 0; g < method.groups.size(); ++g)
    if ((!group || *group == g) && method.groups[g].parametrization.word->coordinates) return;
  report(at, "\"merge\"",
         "a parametrization with coordinates, " + core::expectation(core::Spec::text().one_of(able)),
         "there is nothing to merge");
}

void Check::pairs(const EventWord& event, const std::string& at, std::optional<std::size_t> group) const {
  if (!model.graph.output("logits"))
    report(at, in_quotes(event.word->name), "a model with an output \"logits\"",
           "what must not change is measured there");
  std::vector<std::string> known;
  for (const core::ScalingPair& p : model.pairs) known.push_back(p.name);
  const Json& wanted = event.fields.at("pairs");
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto name = wanted[i].get<std::string>();
    const std::string place = core::pointer_join(at + "/pairs", i);
    bool found = false;
    for (const core::ScalingPair& p : model.pairs) {
      if (p.name != name) continue;
      found = true;
      pair(p, place, group);
    }
    if (found) continue;
    const auto near = core::nearest(name, known);
    report(place, in_quotes(name),
           known.empty() ? "no event on pairs" : core::expectation(core::Spec::text().one_of(known)),
           "these are the pairs of model " + in_quotes(model.name), near ? in_quotes(*near) : "");
  }
}

/// Both weights of a pair must be the event's own.
void Check::pair(const core::ScalingPair& pair, const std::string& at,
                 std::optional<std::size_t> group) const {
  try {
    for (const EventScope::Pair& p : resolve_pair(model.graph, pair)) {
      for (const std::string& weight : {p.first, p.second}) {
        if (!group || method.group_of(weight) == group) continue;
        report(at, in_quotes(pair.name), "a pair whose weights are all in this group",
               in_quotes(weight) + " is not", "the event beside the groups");
        return;
      }
    }
  } catch (const std::invalid_argument& error) {
    report(at, in_quotes(pair.name), "a pair that can be scaled", error.what());
  }
}

}  // namespace

void check_method(const Method& method, const core::Model& model, const core::Document& document,
                  core::Problems& problems) {
  const Check check{method, model, document, problems};
  check.groups();
  for (std::size_t g = 0; g < method.groups.size(); ++g) {
    const std::string at = core::pointer_join("/groups", g) + "/events";
    for (std::size_t i = 0; i < method.groups[g].events.size(); ++i)
      check.event(method.groups[g].events[i], core::pointer_join(at, i), g);
  }
  for (std::size_t i = 0; i < method.events.size(); ++i)
    check.event(method.events[i], core::pointer_join("/events", i), std::nullopt);
}

Method read_method_for(const core::Model& model, const core::Document& document,
                       const core::Json& overrides) {
  Method method = read_method(document, overrides);
  core::Problems problems;
  check_method(method, model, document, problems);
  problems.throw_if_any();
  return method;
}

}  // namespace isorbit::experiments
