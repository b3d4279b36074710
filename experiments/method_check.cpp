// Whether a method fits a model: every parameter has a group, every parametrization fits its weights, every
// event finds what it works on.
#include <set>
#include <stdexcept>

#include "experiments/events/rescale/check.hpp"
#include "experiments/group_names.hpp"
#include "experiments/method.hpp"

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
  /// A model may have no parameter of the group's name.
  [[nodiscard]] bool is_optional(std::size_t group) const {
    return method.resolved.at("groups").at(group).value("optional", false);
  }
  void event(const EventWord& event, const std::string& at, std::optional<std::size_t> group) const;
  template <class Has>
  void needs(const EventWord& event, const std::string& at, std::optional<std::size_t> group,
             const std::string& what, const std::string& because, const Has& has) const;
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
  const std::string& pattern = method.groups[group].parameters;
  const NamesOfGroup names(model, pattern);
  if (names.any() || !is_optional(group))
    report(core::pointer_join("/groups", group) + "/parameters", in_quotes(pattern),
           "a pattern that names a parameter of the model which no group before it names",
           names.any() ? "earlier groups have all that it names" : names.because(),
           names.any() ? "" : names.suggestion());
}

void Check::event(const EventWord& event, const std::string& at, std::optional<std::size_t> group) const {
  if (event.word->name == "merge")
    needs(event, at, group, "coordinates", "there is nothing to merge",
          [](const Parametrization& word) { return static_cast<bool>(word.coordinates); });
  if (event.word->name == "balance_adapters")
    needs(event, at, group, "two factors", "there is nothing to balance",
          [](const Parametrization& word) { return word.adapters.has_value(); });
  if (event.word->name == "rescale")
    check_rescale(event.fields, at, group, method, model, document, problems);
}

/// Some group of the event's has a parametrization that it can work on.
template <class Has>
void Check::needs(const EventWord& event, const std::string& at, std::optional<std::size_t> group,
                  const std::string& what, const std::string& because, const Has& has) const {
  std::vector<std::string> able;
  for (const Parametrization& word : Vocabulary::all().parametrizations)
    if (has(word)) able.push_back(word.name);
  for (std::size_t g = 0; g < method.groups.size(); ++g)
    if ((!group || *group == g) && has(*method.groups[g].parametrization.word)) return;
  report(at, in_quotes(event.word->name),
         "a parametrization with " + what + ", " + core::expectation(core::Spec::text().one_of(able)),
         because);
}

}  // namespace

void check_method(const Method& method, const core::Model& model, const core::Document& document,
                  core::Problems& problems) {
  const Check check{method, model, document, problems};
  check.groups();
  for (std::size_t g = 0; g < method.groups.size(); ++g) {
    if (check.is_optional(g) && !NamesOfGroup(model, method.groups[g].parameters).any()) continue;
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
