#include "experiments/sweep/effects.hpp"

#include <algorithm>

#include "core/document/digest.hpp"
#include "experiments/method_idle.hpp"
#include "experiments/sweep/labels.hpp"
#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;

std::int64_t steps_of(const Candidate& c) { return c.training.at("steps").get<std::int64_t>(); }

/// Without what decides no number of the record.
Json effective_training(Json training) {
  const auto steps = training.at("steps").get<std::int64_t>();
  for (const char* field : {"batch", "checkpoint_every"}) training.erase(field);
  for (const char* count : {"accumulate", "ranks"})
    if (training.value(count, 2) == 1) training.erase(count);
  for (const char* cadence : {"validate_every", "spectra_every"})
    training[cadence] = std::min(training.at(cadence).get<std::int64_t>(), steps);
  return training;
}

/// Of the model with its constants evaluated, the batch among them.
std::string model_digest(Json document) {
  Json& model = document.at("model");
  if (model.contains("constants")) model["constants"] = evaluated_constants(model, {}, Json::object());
  document["training"].erase("batch");
  return model_id(document);
}

/// Every problem that `find` adds, with `context` where the documents by themselves (`without`) have it not.
template <class Find>
std::vector<core::Problem> found_by(const Find& find, const std::set<std::string>& without,
                                    const std::string& context) {
  core::Problems problems;
  find(problems);
  std::vector<core::Problem> found = taken(problems);
  for (core::Problem& problem : found)
    if (!context.empty() && !without.contains(problem.text())) problem.because += ", with " + context;
  return found;
}

}  // namespace

std::vector<core::Problem> taken(core::Problems& problems) {
  try {
    problems.throw_if_any();
  } catch (const core::DocumentError& error) {
    problems = {};
    return {error.problems().begin(), error.problems().end()};
  }
  return {};
}

void Effects::add(std::vector<core::Problem> problems) {
  for (core::Problem& problem : problems)
    if (said_.insert(problem.text()).second) warnings_.push_back(std::move(problem));
}

void Effects::warn_of_method(const Candidate& c, const Method& method, const core::Model& model) {
  const core::Document& document = *s_.methods[c.arm];
  const std::set<std::size_t> used = groups_used(method, model);
  std::set<std::string> without;
  if (!c.method_constants.empty()) {
    try {
      core::Problems problems;
      find_idle(read_method(document), used, steps_of(c), document, problems);
      for (const core::Problem& problem : taken(problems)) without.insert(problem.text());
    } catch (const core::DocumentError&) {
      without.clear();  // by itself it cannot be read
    }
  }
  add(found_by([&](core::Problems& found) { find_idle(method, used, steps_of(c), document, found); }, without,
               constants_text("method", c.method_constants)));
}

void Effects::given(const Candidate& c, const Method& method, const core::Model& model,
                    const std::set<std::string>& zeros) {
  const core::Document& document = *s_.methods[c.arm];
  add(found_by([&](core::Problems& found) { find_stuck(method, model, zeros, document, found); }, {},
               "the weights of " + s_.document.file + " #" + s_.arm_pointer(c.arm) + "/from"));
}

std::string Effects::written(const Candidate& c, const std::string& field) const {
  const std::string axis = pointer_join("/parameters", "training." + field);
  if (s_.document.root.contains(Json::json_pointer(axis))) return axis;
  const std::string own = s_.arm_pointer(c.arm) + "/training/" + field;
  if (s_.document.root.contains(Json::json_pointer(own))) return own;
  const std::string common = "/training/" + field;
  return s_.document.root.contains(Json::json_pointer(common)) ? common : "";
}

void Effects::warn_of_training(const Candidate& c) {
  if (!trainings_.insert(std::to_string(c.arm) + c.training.dump()).second) return;
  core::Problems found;
  const std::int64_t steps = steps_of(c);
  for (const char* cadence : {"validate_every", "spectra_every"}) {
    const auto every = c.training.at(cadence).get<std::int64_t>();
    if (const std::string at = written(c, cadence); every > steps && !at.empty())
      found.add(s_.document, at, std::to_string(every), "at most " + std::to_string(steps),
                RunFacts{steps}.text() + ", and nothing is measured between its start and its end");
  }
  if (c.training.contains("defect_tolerance") && !c.training.contains("on_defect"))
    if (const std::string at = written(c, "defect_tolerance"); !at.empty())
      found.add(s_.document, at, core::shown(c.training.at("defect_tolerance")), "\"on_defect\" beside it",
                "nothing watches the run without it");
  add(taken(found));
}

const Effects::Known& Effects::known(const Candidate& c, const Method& method, const core::Model& model,
                                     const Cell& cell) {
  const std::string key = std::to_string(c.arm) + Json{c.method_constants, c.size, c.model_constants,
                                                       c.training.value("batch", Json()), steps_of(c)}
                                                      .dump();
  const auto [at, is_new] = known_.try_emplace(key);
  if (!is_new) return at->second;
  warn_of_method(c, method, model);
  if (!cell.from) {
    const core::Document& document = *s_.methods[c.arm];
    add(found_by(
        [&](core::Problems& found) { find_stuck(method, model, drawn_as_zeros(model), document, found); }, {},
        {}));
  }
  Effect effect = effect_of(method, model, steps_of(c));
  at->second = {std::move(effect.method), model_digest(cell.document), std::move(effect.sentences)};
  return at->second;
}

void Effects::add(const Candidate& c, const Method& method, const core::Model& model, Cell& cell) {
  warn_of_training(c);
  const Known& of = known(c, method, model, cell);
  Json identity = {{"model", of.model},
                   {"method", of.method},
                   {"data", cell.document.at("data")},
                   {"data_sha256", cell.facts.data_sha256},
                   {"training", effective_training(c.training)},
                   {"seed", cell.seed}};
  if (cell.from) identity["from"] = cell.from->id.empty() ? cell.from->sha256 : cell.from->run;
  cell.run = core::sha256_hex(core::canonical(identity));
  cell.idle = of.sentences;
}

}  // namespace isorbit::experiments
