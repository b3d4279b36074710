#include "experiments/group_names.hpp"

#include <algorithm>

#include "core/document/problem.hpp"
#include "core/passes/name_glob.hpp"

namespace isorbit::experiments {

namespace {

std::string in_quotes(const std::string& word) { return core::shown(core::Json(word)); }

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// What a weight would be called by the node that reads it, where it belongs to another.
std::map<std::string, std::string> shared_weights(const core::Graph& graph) {
  std::map<std::string, std::string> shared;
  for (const core::Node& node : graph.nodes)
    for (std::size_t i = 0; i < node.inputs.size() && i < node.op->inputs.size(); ++i) {
      if (node.inputs[i] == core::kNone) continue;
      const core::Value& value = graph.value(node.inputs[i]);
      const std::string own = node.name + "." + node.op->inputs[i].name;
      if (value.role == core::Role::parameter && value.name != own) shared[own] = value.name;
    }
  return shared;
}

}  // namespace

NamesOfGroup::NamesOfGroup(const core::Model& model, std::string pattern)
    : model_(model), pattern_(std::move(pattern)), shared_(shared_weights(model.graph)) {
  for (const core::Parameter& p : model.graph.parameters)
    parameters_.push_back(model.graph.value(p.value).name);
}

bool NamesOfGroup::names_any(const std::string& pattern) const {
  return std::ranges::any_of(parameters_, [&](const auto& name) { return core::matches(pattern, name); });
}

bool NamesOfGroup::any() const { return names_any(pattern_); }

std::string NamesOfGroup::of_any_layer() const {
  std::string all, part;
  for (const char c : pattern_ + ".") {
    if (c != '.') {
      part += c;
      continue;
    }
    all += (all.empty() ? "" : ".") + (is_number(part) ? "*" : part);
    part.clear();
  }
  return all;
}

std::string NamesOfGroup::because() const {
  for (const auto& [own, owner] : shared_)
    if (core::matches(pattern_, own))
      return in_quotes(own) + " is " + in_quotes(owner) + ", which the two nodes share, and has its name";
  const std::string text = "nothing in model " + in_quotes(model_.name) + " is called so";
  if (of_any_layer() != pattern_ && names_any(of_any_layer()))
    return text +
           ", but other numbers are; a group that only deeper models have parameters for says \"optional\": "
           "true";
  return text;
}

std::string NamesOfGroup::suggestion() const {
  for (const auto& [own, owner] : shared_)
    if (core::matches(pattern_, own)) return in_quotes(owner);
  for (const std::string& wider :
       {pattern_ + ".weight", pattern_ + ".*", "*." + pattern_ + ".weight", "*" + pattern_ + "*"})
    if (names_any(wider)) return in_quotes(wider);
  if (of_any_layer() != pattern_ && names_any(of_any_layer())) return in_quotes(of_any_layer());
  const auto near = core::nearest(pattern_, parameters_);
  return near ? in_quotes(*near) : "";
}

}  // namespace isorbit::experiments
