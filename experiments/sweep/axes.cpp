#include "experiments/sweep/axes.hpp"

#include <algorithm>

#include "experiments/sweep/field_reach.hpp"
#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;
using core::shown;

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string suggested(const std::string& word, const std::vector<std::string>& words) {
  const auto near = core::nearest(word, words);
  return near ? shown(Json(*near)) : "";
}

std::string one_of(const std::vector<std::string>& words) {
  return words.empty() ? "none: there are no constants" : core::expectation(core::Spec::text().one_of(words));
}

class Checker {
 public:
  Checker(const SweepSources& sources, core::Problems& problems)
      : s_(sources), problems_(problems), names_(sources.names()) {}

  void run() {
    constants("/model/constants", s_.resolved.at("model").at("constants"), s_.model, reach_in_model);
    arms();
    for (const auto& [name, values] : s_.resolved.at("parameters").items()) {
      list(pointer_join("/parameters", name), name, values);
      claim(pointer_join("/parameters", name), name, "parameters");
    }
    zips();
    excludes();
  }

 private:
  void report(const std::string& pointer, std::string found, std::string expected, std::string because = {},
              std::string suggestion = {}, bool key = false) {
    const core::Position at = key ? s_.document.key_position(pointer) : s_.document.position(pointer);
    problems_.add({s_.document.file, at, pointer, std::move(found), std::move(expected), std::move(because),
                   std::move(suggestion)});
  }

  using Reach = std::string (*)(const core::Document&, const std::string&);

  /// Names of constants of a document; `reach` tells of other names that it has.
  void constants(const std::string& pointer, const Json& given, const core::Document& of, Reach reach) {
    const std::vector<std::string> known = keys_of(of.root, "constants");
    for (const auto& [name, value] : given.items()) {
      if (has(known, name)) continue;
      const std::string near = suggested(name, known), because = reach(of, name);
      const bool is_field = because.starts_with(shown(Json(name)));
      report(pointer_join(pointer, name), "constant " + shown(Json(name)), one_of(known),
             near.empty() || is_field ? because : "", is_field ? "" : near, true);
    }
  }

  /// Of "method.beta1" or "model.theta": in the first document that knows it.
  [[nodiscard]] std::string reach_of(const std::string& name) const {
    const std::string field = name.substr(name.find('.') + 1);
    std::string found;
    if (name.starts_with("method."))
      for (std::size_t i = 0; i < s_.methods.size() && found.empty(); ++i)
        if (s_.methods[i] != nullptr) found = reach_in_method(*s_.methods[i], field);
    if (name.starts_with("model.")) found = reach_in_model(s_.model, field);
    return found;
  }

  void arms() {
    std::size_t i = 0;
    for (const auto& [name, arm] : s_.resolved.at("arms").items()) {
      const std::string at = pointer_join("/arms", name);
      if (arm.contains("x-control-of")) {  // its fields are those of the arm it was made of
        ++i;
        continue;
      }
      constants(at + "/model/constants", arm.at("model").value("constants", Json::object()), *s_.models[i],
                reach_in_model);
      if (s_.methods[i] != nullptr) {
        constants(at + "/set", arm.at("set"), *s_.methods[i], reach_in_method);
        constants(at + "/tune", arm.at("tune"), *s_.methods[i], reach_in_method);
      }
      for (const auto& [constant, values] : arm.at("tune").items()) {
        if (arm.at("set").contains(constant))
          report(pointer_join(at + "/tune", constant), shown(Json(constant)) + " in set and in tune",
                 "it in one of them", {}, {}, true);
        taken_.push_back({"method." + constant, "the tune of arm " + shown(Json(name))});
      }
      ++i;
    }
  }

  void list(const std::string& pointer, const std::string& name, const Json& values) {
    if (!has(names_, name)) {
      const std::string near = suggested(name, names_);
      report(pointer, "name " + shown(Json(name)),
             "model.X, method.X, training.X or data.X with a name there is",
             near.empty() ? reach_of(name) : "", near, true);
      return;
    }
    if (name.starts_with("model.") && !in_every_model(pointer, name)) return;
    for (std::size_t i = 0; i < values.size(); ++i) value(pointer_join(pointer, i), name, values[i]);
  }

  /// An axis over the model is one of every arm.
  bool in_every_model(const std::string& pointer, const std::string& name) {
    bool all = true;
    const std::vector<std::string>& arms = s_.arms();
    for (std::size_t i = 0; i < arms.size(); ++i) {
      const std::vector<std::string> known = s_.model_names(i);
      if (has(known, name)) continue;
      all = false;
      report(pointer, "name " + shown(Json(name)), "a name that the model of every arm has",
             "arm " + shown(Json(arms[i])) + " trains " + s_.models[i]->file + ", which has none", {}, true);
    }
    return all;
  }

  void size(const std::string& pointer, const Json& given) {
    std::vector<const core::Document*> checked;
    const std::vector<std::string>& arms = s_.arms();
    for (std::size_t i = 0; i < arms.size(); ++i) {
      if (std::ranges::find(checked, s_.models[i]) != checked.end()) continue;
      checked.push_back(s_.models[i]);
      const std::vector<std::string> sizes = keys_of(s_.models[i]->root, "sizes");
      if (given.is_string() && has(sizes, given.get<std::string>())) continue;
      const bool own = s_.models[i] != &s_.model;
      report(
          pointer, shown(given), one_of(sizes),
          own ? "these are in " + s_.models[i]->file + ", which arm " + shown(Json(arms[i])) + " trains" : "",
          given.is_string() ? suggested(given.get<std::string>(), sizes) : "");
    }
  }

  void value(const std::string& pointer, const std::string& name, const Json& given) {
    const core::Place place{&s_.document, pointer, nullptr};
    const std::string group = name.substr(0, name.find('.')), field = name.substr(group.size() + 1);
    if (group == "training" || group == "data") {
      const core::Spec spec = group == "data" ? data_spec() : training_spec();
      for (const core::Field& f : spec.description().fields)
        if (f.name == field) (void)core::resolve(given, f.spec, place, problems_);
    } else if (name == "model.size") {
      size(pointer, given);
    } else {
      (void)core::resolve(
          given, core::Spec::either({core::Spec::boolean(), core::Spec::number(), core::Spec::text()}), place,
          problems_);
    }
  }

  void claim(const std::string& pointer, const std::string& name, const std::string& where) {
    for (const auto& [other, place] : taken_)
      if (other == name) {
        report(pointer, shown(Json(name)), "a name that no other axis sets", "it is in " + place, {}, true);
        return;
      }
    taken_.push_back({name, where});
  }

  void zips() {
    const Json& zips = s_.resolved.at("zip");
    for (std::size_t i = 0; i < zips.size(); ++i) {
      const std::string at = pointer_join("/zip", i);
      const auto first = zips[i].begin();
      for (const auto& [name, values] : zips[i].items()) {
        list(pointer_join(at, name), name, values);
        claim(pointer_join(at, name), name, "zip " + std::to_string(i));
        if (values.size() != first.value().size())
          report(pointer_join(at, name), "a list of " + std::to_string(values.size()),
                 "a list of " + std::to_string(first.value().size()),
                 "lists that are zipped advance together and " + shown(Json(first.key())) + " has " +
                     std::to_string(first.value().size()));
      }
    }
  }

  void excludes() {
    const Json& excludes = s_.resolved.at("exclude");
    std::vector<std::string> known = names_;
    known.insert(known.begin(), {"arm", "seed"});
    const std::vector<std::string>& arms = s_.arms();
    for (std::size_t i = 0; i < excludes.size(); ++i) {
      for (const auto& [name, given] : excludes[i].items()) {
        const std::string at = pointer_join(pointer_join("/exclude", i), name);
        if (!has(known, name)) {
          report(at, "name " + shown(Json(name)), "arm, seed, or a name as in parameters", {},
                 suggested(name, known), true);
        } else if (name == "arm") {
          for (const Json& arm : given.is_array() ? given : Json::array({given}))
            if (!arm.is_string() || !has(arms, arm.get<std::string>()))
              report(at, shown(arm), one_of(arms), {},
                     arm.is_string() ? suggested(arm.get<std::string>(), arms) : "");
        }
      }
    }
  }

  const SweepSources& s_;
  core::Problems& problems_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, std::string>> taken_;
};

}  // namespace

void check_axes(const SweepSources& sources, core::Problems& problems) { Checker(sources, problems).run(); }

std::vector<Axis> axes_of(const SweepSources& sources, std::size_t arm) {
  std::vector<Axis> axes;
  const auto applies = [&](const std::string& name) {
    return !name.starts_with("method.") || sources.has_constant(arm, name.substr(7));
  };
  const auto add = [&](const Json& lists) {  // lists of equal length
    Axis axis(lists.empty() ? 0 : lists.begin().value().size());
    bool any = false;
    for (const auto& [name, values] : lists.items()) {
      if (!applies(name)) continue;
      any = true;
      for (std::size_t i = 0; i < axis.size(); ++i) axis[i].push_back({name, values.at(i)});
    }
    if (any) axes.push_back(std::move(axis));
  };
  for (const auto& [constant, values] : sources.fields(arm).at("tune").items())
    add(Json{{"method." + constant, values}});
  for (const auto& [parameter, values] : sources.resolved.at("parameters").items())
    add(Json{{parameter, values}});
  for (const Json& zipped : sources.resolved.at("zip")) add(zipped);
  return axes;
}

}  // namespace isorbit::experiments
