#include "experiments/sweep/expand.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/document/spelling.hpp"
#include "experiments/sweep/arm_model.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::shown;

constexpr double kMostCombinations = 100000;

/// Texts become quoted expressions, so that a condition can compare them.
Json quoted(const Json& value) {
  if (value.is_string()) return core::text_constant(value.get_ref<const std::string&>());
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.items())
    if (member.is_primitive() ? !member.is_null() : member.is_object()) out[name] = quoted(member);
  return out;
}

void assign(Candidate& cell, const Assignment& a) {
  const std::string group = a.name.substr(0, a.name.find('.')), field = a.name.substr(group.size() + 1);
  if (a.name == "model.size")
    cell.size = a.value.get<std::string>();
  else if (group == "model")
    cell.model_constants[field] = a.value;
  else if (group == "method")
    cell.method_constants[field] = a.value;
  else if (group == "training")
    cell.training[field] = a.value;
  else
    cell.data[field] = a.value;
}

class Expander {
 public:
  Expander(const SweepSources& sources, core::Problems& problems)
      : s_(sources),
        problems_(problems),
        arms_(sources.arms()),
        excluded_(sources.resolved.at("exclude").size(), 0) {}

  Expansion run() {
    if (!small_enough()) return {};
    for (std::size_t arm = 0; arm < arms_.size(); ++arm) expand_arm(arm);
    for (std::size_t i = 0; i < excluded_.size(); ++i)
      if (excluded_[i] == 0)
        out_.notes.push_back("exclude " + std::to_string(i) + " " + s_.resolved.at("exclude")[i].dump() +
                             " drops no cell");
    return std::move(out_);
  }

 private:
  bool small_enough() {
    double all = 0;
    for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
      double combinations = static_cast<double>(s_.resolved.at("seeds").size());
      for (const Axis& axis : axes_of(s_, arm)) combinations *= static_cast<double>(axis.size());
      all += combinations;
    }
    if (all <= kMostCombinations) return true;
    const std::string count = std::isfinite(all) ? core::canonical(Json(all)) : "more than 1e308";
    problems_.add(s_.document, "", count + " combinations", "at most 100000",
                  "arms, tune, parameters, zip and seeds multiply");
    return false;
  }

  void expand_arm(std::size_t arm) {
    const std::vector<Axis> axes = axes_of(s_, arm);
    std::vector<std::size_t> at(axes.size(), 0);
    while (true) {
      Candidate cell = base(arm);
      for (std::size_t i = 0; i < axes.size(); ++i)
        for (const Assignment& a : axes[i][at[i]]) {
          cell.changed.push_back(a);
          assign(cell, a);
        }
      settle(cell);
      expand_seeds(std::move(cell));
      std::size_t i = axes.size();
      while (i > 0 && ++at[i - 1] == axes[i - 1].size()) at[--i] = 0;
      if (i == 0) return;
    }
  }

  /// Evaluates the constants that are set from outside, so that equal values make one cell.
  void settle(Candidate& cell) const {
    const auto is_text = [](const Json& value) { return value.is_string(); };
    if (std::ranges::any_of(cell.model_constants, is_text)) {
      Json given = cell.model_constants;
      if (cell.training.contains("batch")) given["batch"] = cell.training.at("batch");
      const core::Constants all(layered_constants(s_.models[cell.arm]->root, cell.size, given));
      cell.model_constants = core::evaluated_values(cell.model_constants, all);
    }
    if (std::ranges::any_of(cell.method_constants, is_text)) {
      const core::Constants all(layered_constants(s_.methods[cell.arm]->root, {}, cell.method_constants));
      cell.method_constants = core::evaluated_values(cell.method_constants, all);
    }
  }

  Candidate base(std::size_t arm) const {
    const Json& fields = s_.fields(arm);
    const Json model = arm_model(s_.resolved, fields);
    Json data = s_.resolved.at("data"), training = s_.resolved.at("training");
    data.update(fields.at("data"));
    training.update(fields.at("training"));
    return {arm,
            {},
            0,
            model.value("size", std::string()),
            model.at("constants"),
            fields.at("set"),
            std::move(data),
            std::move(training)};
  }

  void expand_seeds(Candidate cell) {
    std::vector<Dropped> dropped;
    for (const Json& seed : s_.resolved.at("seeds")) {
      cell.seed = seed.get<std::int64_t>();
      const std::string clause = dropping_clause(cell);
      if (clause.empty()) {
        out_.candidates.push_back(cell);
      } else {
        dropped.push_back({arms_[cell.arm], cell.changed, cell.seed, clause});
      }
    }
    const bool all = dropped.size() == s_.resolved.at("seeds").size() &&
                     std::all_of(dropped.begin(), dropped.end(),
                                 [&](const Dropped& d) { return d.clause == dropped.front().clause; });
    if (all && !dropped.empty()) dropped = {{arms_[cell.arm], cell.changed, {}, dropped.front().clause}};
    out_.dropped.insert(out_.dropped.end(), dropped.begin(), dropped.end());
  }

  std::string dropping_clause(const Candidate& cell) {
    const Json& arm = s_.fields(cell.arm);
    const Json& excludes = s_.resolved.at("exclude");
    if (!arm.contains("when") && excludes.empty()) return {};
    const Json view = view_of(cell);
    if (arm.contains("when")) {
      const std::string when = arm.at("when").get<std::string>();
      if (!holds(cell, view, when)) return "when " + shown(Json(when)) + " is false";
    }
    for (std::size_t i = 0; i < excludes.size(); ++i) {
      if (!matches(excludes[i], view)) continue;
      ++excluded_[i];
      return "exclude " + std::to_string(i) + " " + excludes[i].dump();
    }
    return {};
  }

  bool holds(const Candidate& cell, const Json& view, const std::string& when) {
    try {
      return core::Constants(quoted(view)).number(when) != 0;
    } catch (const core::ExpressionError& error) {
      if (failed_.insert(s_.arm_pointer(cell.arm)).second) {
        problems_.add(s_.document, s_.arm_pointer(cell.arm) + "/when", shown(Json(when)),
                      "a condition over model.*, method.*, training.*, arm and seed",
                      std::string(error.what()) + " (character " + std::to_string(error.column) + ")",
                      error.suggestion.empty() ? "" : shown(Json(error.suggestion)));
      }
      return true;
    }
  }

  static bool matches(const Json& clause, const Json& view) {
    for (const auto& [name, wanted] : clause.items()) {
      const std::size_t dot = name.find('.');
      const std::string group = name.substr(0, dot);
      const Json& outer = view.contains(group) ? view.at(group) : view;
      const std::string field = dot == std::string::npos ? group : name.substr(dot + 1);
      const Json* value = dot == std::string::npos ? &outer
                          : outer.contains(field)  ? &outer.at(field)
                                                   : nullptr;
      if (value == nullptr) return false;
      const bool is_arm = name == "arm";  // what drops an arm drops its control
      const auto same = [&](const Json& w) {
        return equal(w, *value) || (is_arm && equal(w, view.at("control_of")));
      };
      if (wanted.is_array() ? std::none_of(wanted.begin(), wanted.end(), same) : !same(wanted)) return false;
    }
    return true;
  }

  /// What conditions see. The model's and method's constants are evaluated once per distinct setting.
  Json view_of(const Candidate& cell) {
    const std::string key = s_.models[cell.arm]->file + '\n' + cell.size + '\n' + cell.model_constants.dump();
    auto model = models_.find(key);
    if (model == models_.end()) {
      Json values = evaluated_constants(s_.models[cell.arm]->root, cell.size, cell.model_constants);
      if (!values.contains("size")) values["size"] = cell.size;
      model = models_.emplace(key, std::move(values)).first;
    }
    const std::string method_key = std::to_string(cell.arm) + '\n' + cell.method_constants.dump();
    auto method = methods_.find(method_key);
    if (method == methods_.end()) {
      Json values = evaluated_constants(s_.methods[cell.arm]->root, {}, cell.method_constants);
      method = methods_.emplace(method_key, std::move(values)).first;
    }
    Json view = Json::object();
    view["arm"] = arms_[cell.arm];
    view["control_of"] = s_.fields(cell.arm).value("x-control-of", "");
    view["seed"] = cell.seed;
    view["model"] = model->second;
    view["method"] = method->second;
    view["training"] = cell.training;
    view["data"] = cell.data;
    return view;
  }

  const SweepSources& s_;
  core::Problems& problems_;
  const std::vector<std::string>& arms_;
  std::vector<int> excluded_;  // cells each exclude dropped
  std::map<std::string, Json> models_, methods_;
  std::set<std::string> failed_;  // pointers of arms
  Expansion out_;
};

}  // namespace

bool equal(const Json& a, const Json& b) {
  return a.is_number() && b.is_number() ? a.get<double>() == b.get<double>() : a == b;
}

Expansion expand(const SweepSources& sources, core::Problems& problems) {
  return Expander(sources, problems).run();
}

Json layered_constants(const Json& root, const std::string& size, const Json& overrides) {
  const auto object = [](const Json& value, const std::string& key) {
    return value.is_object() && value.contains(key) && value.at(key).is_object() ? value.at(key)
                                                                                 : Json::object();
  };
  Json raw = object(root, "constants");
  const Json sized = object(object(root, "sizes"), size);
  for (const Json* layer : {&sized, &overrides})
    for (const auto& [name, value] : layer->items()) raw[name] = value;
  return raw;
}

Json evaluated_constants(const Json& root, const std::string& size, const Json& overrides) {
  const Json raw = layered_constants(root, size, overrides);
  const core::Constants constants(raw);
  Json values = Json::object();
  for (const auto& [name, value] : raw.items()) {
    try {
      const core::Quantity quantity = constants.value(name);
      if (const auto* text = std::get_if<std::string>(&quantity)) {
        values[name] = *text;
      } else {
        const double number = std::get<double>(quantity);
        if (std::trunc(number) == number && std::abs(number) < 0x1p53)
          values[name] = static_cast<std::int64_t>(number);
        else
          values[name] = number;
      }
    } catch (const core::ExpressionError&) {
      continue;
    }
  }
  return values;
}

}  // namespace isorbit::experiments
