#include "experiments/sweep/differences.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "core/document/json_line.hpp"
#include "core/passes/read_model.hpp"
#include "experiments/method.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/rows.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// Values of one cell by property, in the order they are shown.
using Properties = std::vector<std::pair<std::string, std::string>>;

/// The first field of that name in a chain of updates, those within a word included.
std::optional<Json> field_of(const Group& group, const std::string& word, const std::string& name) {
  const std::function<std::optional<Json>(const Json&)> find = [&](const Json& fields) {
    if (fields.contains(name) && (word.empty() || fields.value("kind", "") == word))
      return std::optional(fields.at(name));
    for (const Json& member : fields)  // words that a word holds
      for (const Json& inner : member.is_array() ? member : Json::array())
        if (auto found = inner.is_object() ? find(inner) : std::nullopt) return found;
    return std::optional<Json>();
  };
  for (const Word<Update>& update : group.update) {
    Json fields = update.fields;
    fields["kind"] = update.word->name;
    if (auto found = find(fields)) return found;
  }
  return std::nullopt;
}

std::string text_of(const std::optional<Json>& value) { return value ? value_text(*value) : "none"; }

/// A field of the schedule of the learning rate.
std::string of_schedule(const Group& group, const std::string& name) {
  const std::optional<Json> rate = field_of(group, "learning_rate", "value");
  return rate && rate->is_object() && rate->contains(name) ? value_text(rate->at(name)) : "none";
}

std::string clip(const Method& method) {
  if (!method.clip_norm) return "none";
  return value_text(method.clip_norm->norm) + (method.clip_norm->rewarm ? " rewarmed" : "");
}

std::string decay(const Group& group) {
  const std::optional<Json> rate = field_of(group, "weight_decay", "rate");
  if (!rate || *rate == 0) return "none";
  const std::optional<Json> matrices = field_of(group, "weight_decay", "matrices_only");
  return value_text(*rate) + (matrices && *matrices == true ? " of matrices" : "");
}

std::string initialization(const Group& group, const Cell& cell) {
  const Word<Parametrization>& word = group.parametrization;
  if (word.word->redraws && word.word->redraws(word.fields)) {
    const Json gain = word.fields.value("gain", Json(1));
    return word.fields.at("init").get<std::string>() + (gain == 1 ? "" : " times " + value_text(gain));
  }
  if (!cell.from) return "model";
  return "from " + (cell.from->id.empty() ? cell.from->file.filename().string() : cell.from->arm);
}

/// One value for all groups, or each with the patterns it holds for.
std::string over_groups(const Method& method, const std::set<std::size_t>& used,
                        const std::function<std::string(const Group&)>& value) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const std::size_t g : used) {
    const Group& group = method.groups[g];
    const std::string text = value(group);
    const auto same = std::ranges::find(values, text, &std::pair<std::string, std::string>::first);
    if (same == values.end())
      values.emplace_back(text, group.parameters);
    else
      same->second += " and " + group.parameters;
  }
  if (values.size() == 1) return values.front().first;
  std::string text;
  for (const auto& [one, patterns] : values)
    text += (text.empty() ? "" : ", ") + (patterns == "*" ? "else " + one : one + " on " + patterns);
  return text;
}

Properties properties_of(const Cell& cell, const std::vector<std::string>& parameters) {
  const Method method = read_method({"method", cell.document.at("method"), {}});
  std::set<std::size_t> all, trained;
  for (const std::string& name : parameters)
    if (const auto group = method.group_of(name)) {
      all.insert(*group);
      if (!method.groups[*group].update.empty()) trained.insert(*group);
    }
  const auto scheduled = [](const char* name) {
    return [name](const Group& group) { return of_schedule(group, name); };
  };
  const auto beta2 = [](const Group& group) { return text_of(field_of(group, "", "beta2")); };
  const auto start = [&](const Group& group) { return initialization(group, cell); };
  return {{"clip", clip(method)},
          {"floor", over_groups(method, trained, scheduled("floor"))},
          {"warm-up", over_groups(method, trained, scheduled("warmup"))},
          {"beta2", over_groups(method, trained, beta2)},
          {"decay", over_groups(method, all, decay)},
          {"initialization", over_groups(method, all, start)}};
}

std::vector<std::string> parameters_of(const Cell& cell) {
  const core::Model model = core::read_model({"model", cell.document.at("model"), {}}, every_op());
  std::vector<std::string> names;
  for (const core::Parameter& p : model.graph.parameters) names.push_back(model.graph.value(p.value).name);
  return names;
}

/// Collects the values of every property by arm.
class Collector {
 public:
  void add(const Cell& cell, const std::string& arm) {
    const auto is_new = [&](const char* part) {
      return seen_.insert(arm + part + cell.document.at(part).dump()).second;
    };
    if (is_new("model")) model(cell, arm);
    if (is_new("method")) method(cell, arm);
    for (const char* part : {"training", "data"})
      if (is_new(part)) fields(cell, arm, part);
  }

  std::vector<Difference> run(const std::vector<std::string>& arms) const {
    std::vector<Difference> out;
    for (const std::string& name : names_) {
      Difference difference{name, {}};
      std::set<std::string> distinct;
      // Of another architecture it is no difference that a constant is not there.
      const bool common = !name.starts_with("model.") || values_.at(name).size() == arms.size();
      for (const std::string& arm : arms) {
        std::string text;
        if (const auto values = values_.at(name).find(arm); values != values_.at(name).end())
          for (const std::string& value : values->second) text += (text.empty() ? "" : " or ") + value;
        distinct.insert(text);
        difference.arms.emplace_back(arm, text);
      }
      if (common && distinct.size() > 1) out.push_back(std::move(difference));
    }
    return out;
  }

 private:
  /// Its name with the digest of all but its constants, and those that every arm's model has.
  void model(const Cell& cell, const std::string& arm) {
    Json document = cell.document;
    Json& structure = document.at("model");
    const Json constants = structure.value("constants", Json::object());
    structure.erase("constants");
    add("model", arm, structure.value("name", "unnamed") + " " + short_id(model_id(document)));
    for (const auto& [name, value] : constants.items())
      if (name != "batch" || !cell.document.at("training").contains("batch"))
        add("model." + name, arm, value_text(value));
  }
  void method(const Cell& cell, const std::string& arm) {
    if (!parameters_.contains(arm)) parameters_[arm] = parameters_of(cell);
    for (const auto& [name, value] : properties_of(cell, parameters_[arm])) add(name, arm, value);
  }
  void fields(const Cell& cell, const std::string& arm, const std::string& part) {
    for (const auto& [name, value] : cell.document.at(part).items())
      add(part + "." + name, arm, value_text(value));
  }
  void add(const std::string& name, const std::string& arm, const std::string& value) {
    if (!values_.contains(name)) names_.push_back(name);
    std::vector<std::string>& values = values_[name][arm];
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  }

  std::set<std::string> seen_;
  std::map<std::string, std::vector<std::string>> parameters_;  // by arm
  std::vector<std::string> names_;
  std::map<std::string, std::map<std::string, std::vector<std::string>>> values_;  // by name and arm
};

}  // namespace

std::vector<Difference> differences_between_arms(std::span<const Cell> cells) {
  Collector collector;
  std::vector<std::string> arms;
  for (const RowOfCell& row : rows_of(cells)) {
    if (std::ranges::find(arms, *row.arm) == arms.end()) arms.push_back(*row.arm);
    collector.add(*row.cell, *row.arm);
  }
  return collector.run(arms);
}

std::string differences_text(std::span<const Difference> differences) {
  if (differences.empty()) return {};
  std::vector<std::string> header = {"arm"};
  for (const Difference& d : differences) header.push_back(d.name);
  TextTable table(header);
  for (std::size_t i = 0; i < differences.front().arms.size(); ++i) {
    std::vector<std::string> row = {differences.front().arms[i].first};
    for (const Difference& d : differences) row.push_back(d.arms[i].second);
    table.add(std::move(row));
  }
  return "differs between arms besides the method\n\n" + table.text();
}

std::string differences_json(std::span<const Difference> differences) {
  std::string text;
  for (const Difference& d : differences) {
    Json line = {{"differs", d.name}, {"arms", Json::object()}};
    for (const auto& [arm, value] : d.arms) line["arms"][arm] = value;
    text += core::json_line(line);
  }
  return text;
}

}  // namespace isorbit::experiments
