#include "experiments/method_idle.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "experiments/run_facts.hpp"

namespace isorbit::experiments {

namespace {

using core::Document;
using core::Json;
using core::Problems;
using Pointer = Json::json_pointer;

std::string in_quotes(const std::string& word) { return core::shown(Json(word)); }

bool has(const Json& value, const std::string& pointer) { return value.contains(Pointer(pointer)); }

/// Adds what a word has idle, at the field where that stands in the document, else at the word.
template <class T>
void report(const Word<T>& word, const Misfit& misfit, const Document& document, Problems& found) {
  const std::string place = word.at + "/" + misfit.field;
  found.add(document, has(document.root, place) ? place : word.at, misfit.found, misfit.expected,
            misfit.because, misfit.suggestion);
}

/// Every time of an event that is not before the last update.
void idle_times(const EventWord& event, const RunFacts& run, const Document& document, Problems& found) {
  if (!run.is_known()) return;
  const auto add = [&](const std::string& field, std::int64_t step) {
    if (step < run.steps) return;
    report(event,
           {field,
            in_quotes(event.word->name) + (field == "every" ? " first" : "") + " at step " +
                std::to_string(step),
            "a step before " + std::to_string(run.steps),
            run.text() + (step > run.steps ? ", in which it does not happen"
                                           : ", and it would happen after the last of them"),
            ""},
           document, found);
  };
  if (event.every > 0) add("every", event.every);
  for (std::size_t i = 0; i < event.at.size(); ++i) add("at/" + std::to_string(i), event.at[i]);
}

/// Calls `what` with every scheduled number among the fields and its pointer within them.
void each_schedule(const Json& fields, const std::string& at,
                   const std::function<void(const Json&, const std::string&)>& what) {
  if (fields.is_object() && fields.contains("schedule")) return what(fields, at);
  if (fields.is_object())
    for (const auto& [name, value] : fields.items()) each_schedule(value, core::pointer_join(at, name), what);
  if (fields.is_array())
    for (std::size_t i = 0; i < fields.size(); ++i) each_schedule(fields[i], core::pointer_join(at, i), what);
}

void idle_update(const Word<Update>& word, const RunFacts& run, const Document& document, Problems& found) {
  each_schedule(word.fields, "", [&](const Json& number, const std::string& at) {
    const Schedule& schedule = schedule_of(number);
    if (!schedule.unreached) return;
    if (auto misfit = schedule.unreached(number, run)) {
      misfit->field = at.substr(1) + "/" + misfit->field;
      report(word, *misfit, document, found);
    }
  });
  if (!word.word->idle) return;
  for (const Idle& idle : word.word->idle(word.fields, run)) report(word, idle.misfit, document, found);
}

void idle_clip(const Clip& clip, const RunFacts& run, const Document& document, Problems& found) {
  if (!never_rewarms(clip, run)) return;
  const std::int64_t last = std::min(clip.rewarm->until, run.steps);
  found.add(document, "/clip_norm/rewarm", "a limit re-warmed after merges",
            "a merge before step " + std::to_string(last),
            run.merged ? "the first is at step " + std::to_string(*run.merged)
                       : run.text() + ", and no merge before the last of them");
}

}  // namespace

std::set<std::size_t> groups_used(const Method& method, const core::Model& model) {
  std::set<std::size_t> used;
  for (const core::Parameter& p : model.graph.parameters)
    if (const auto group = method.group_of(model.graph.value(p.value).name)) used.insert(*group);
  return used;
}

void find_idle(const Method& method, const std::set<std::size_t>& used, std::int64_t steps,
               const Document& document, Problems& found) {
  const RunFacts whole = facts_of(method, std::nullopt, steps);
  if (method.clip_norm) idle_clip(*method.clip_norm, whole, document, found);
  for (const std::size_t g : used) {
    const RunFacts run = facts_of(method, g, steps);
    for (const Word<Update>& word : method.groups[g].update) idle_update(word, run, document, found);
    for (const EventWord& event : method.groups[g].events) idle_times(event, run, document, found);
  }
  for (const EventWord& event : method.events) idle_times(event, whole, document, found);
}

std::set<std::string> drawn_as_zeros(const core::Model& model) {
  std::set<std::string> zeros;
  for (const core::Parameter& p : model.graph.parameters) {
    const auto number = [&](const char* name) { return p.init.value(name, 0.0); };
    const std::string kind = p.init.value("kind", "zeros");
    if (kind == "zeros" || (kind == "normal" && number("std") == 0) ||
        (kind == "uniform" && number("low") == 0 && number("high") == 0))
      zeros.insert(model.graph.value(p.value).name);
  }
  return zeros;
}

void find_stuck(const Method& method, const core::Model& model, const std::set<std::string>& zeros,
                const Document& document, Problems& found) {
  std::map<std::size_t, std::vector<std::string>> stuck;  // weights by group
  for (const core::Parameter& p : model.graph.parameters) {
    const std::string& name = model.graph.value(p.value).name;
    const auto group = method.group_of(name);
    if (group && zeros.contains(name)) stuck[*group].push_back(name);
  }
  for (const auto& [g, weights] : stuck) {
    const Word<Parametrization>& word = method.groups[g].parametrization;
    if (!word.word->keeps_zeros) continue;
    auto misfit = word.word->keeps_zeros(word.fields);
    if (!misfit) continue;
    const std::size_t more = weights.size() - 1;
    misfit->because = in_quotes(weights.front()) +
                      (more > 0 ? " and " + std::to_string(more) + " more are" : " is") +
                      " all zeros, which " + misfit->because;
    report(word, *misfit, document, found);
  }
}

}  // namespace isorbit::experiments
