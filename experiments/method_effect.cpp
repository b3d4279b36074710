#include "experiments/method_effect.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "experiments/run_facts.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;
using Pointer = Json::json_pointer;

std::string in_steps(const RunFacts& run) {
  if (!run.is_known()) return {};
  return " in " + std::to_string(run.steps) + (run.steps == 1 ? " step" : " steps");
}

/// The fields of a word without what does nothing, whose sentences are added.
Json effective(const Word<Update>& word, const RunFacts& run, std::vector<std::string>& sentences) {
  Json fields = word.fields;
  fields["kind"] = word.word->name;
  if (!word.word->idle) return fields;
  for (const Idle& idle : word.word->idle(word.fields, run)) {
    if (idle.sentence.empty()) continue;
    sentences.push_back(idle.sentence + in_steps(run));
    const Pointer at("/" + idle.misfit.field);
    if (!idle.instead.is_null())
      fields[at] = idle.instead;
    else if (fields.contains(at))
      fields.at(at.parent_pointer()).erase(at.back());
  }
  return fields;
}

/// Events with the times that come in the run.
Json effective(const std::vector<EventWord>& events, const RunFacts& run,
               std::vector<std::string>& sentences) {
  Json all = Json::array();
  for (const EventWord& event : events) {
    Json fields = event.fields;
    if (event.every > run.steps) fields.erase("every");
    if (fields.contains("at")) {
      Json times = Json::array();
      std::set<std::int64_t> sorted(event.at.begin(), event.at.end());
      for (const std::int64_t at : sorted)
        if (at <= run.steps) times.push_back(at);
      fields["at"] = times;
      if (times.empty()) fields.erase("at");
    }
    const bool happens = fields.contains("every") || fields.contains("at");
    const std::string& does = event.word->does;
    if (!happens)
      sentences.push_back("never " +
                          (does.empty() ? "has its " + core::shown(Json(event.word->name)) : does) +
                          in_steps(run));
    if (happens) all.push_back(std::move(fields));
  }
  return all;
}

void once_each(std::vector<std::string>& sentences) {
  std::vector<std::string> kept;
  for (std::string& sentence : sentences)
    if (std::ranges::find(kept, sentence) == kept.end()) kept.push_back(std::move(sentence));
  sentences = std::move(kept);
}

}  // namespace

Effect effect_of(const Method& method, const core::Model& model, std::int64_t steps) {
  Effect out;
  const RunFacts whole = facts_of(method, std::nullopt, steps);
  std::map<std::size_t, Json> names;
  for (const core::Parameter& p : model.graph.parameters) {
    const std::string& name = model.graph.value(p.value).name;
    if (const auto group = method.group_of(name)) names[*group].push_back(name);
  }
  out.method["groups"] = Json::array();
  for (const auto& [g, parameters] : names) {
    const Group& group = method.groups[g];
    const RunFacts run = facts_of(method, g, steps);
    Json events = effective(group.events, run, out.sentences);
    Json update = Json::array();
    for (const Word<Update>& word : group.update) update.push_back(effective(word, run, out.sentences));
    out.method["groups"].push_back({{"parameters", parameters},
                                    {"parametrization", group.parametrization.fields},
                                    {"update", std::move(update)},
                                    {"events", std::move(events)}});
  }
  out.method["events"] = effective(method.events, whole, out.sentences);
  if (method.clip_norm) {
    out.method["clip_norm"] = method.resolved.at("clip_norm");
    if (never_rewarms(*method.clip_norm, whole)) {
      if (out.method["clip_norm"].is_object()) out.method["clip_norm"].erase("rewarm");
      out.sentences.push_back("never re-warms its clip" + in_steps(whole));
    }
    if (out.method["clip_norm"].is_object() && out.method["clip_norm"].size() == 1)
      out.method["clip_norm"] = method.clip_norm->norm;
  }
  once_each(out.sentences);
  return out;
}

}  // namespace isorbit::experiments
