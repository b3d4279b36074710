#include <algorithm>
#include <set>

#include "experiments/sweep/axes.hpp"
#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {

using core::Json;
using core::pointer_join;

std::vector<std::string> keys_of(const Json& root, const char* member) {
  std::vector<std::string> names;
  if (!root.is_object() || !root.contains(member) || !root.at(member).is_object()) return names;
  for (const auto& [name, value] : root.at(member).items()) names.push_back(name);
  return names;
}

SweepSources::SweepSources(const core::Document& of, const Json& values, const core::Document& trained)
    : document(of), resolved(values), model(trained) {
  for (const auto& [name, fields] : resolved.at("arms").items()) {
    arms_.push_back(name);
    fields_.push_back(&fields);
  }
}

std::vector<std::string> SweepSources::names() const {
  std::vector<std::string> all;
  std::set<std::string> known;
  std::set<const core::Document*> read;  // arms share documents
  const auto add = [&](const std::string& name) {
    if (known.insert(name).second) all.push_back(name);
  };
  for (std::size_t arm = 0; arm < models.size(); ++arm)
    if (read.insert(models[arm]).second)
      for (const std::string& name : model_names(arm)) add(name);
  for (const core::Document* method : methods)
    if (method != nullptr && read.insert(method).second)
      for (const std::string& name : keys_of(method->root, "constants")) add("method." + name);
  const core::Spec training = training_spec(), data = data_spec();
  for (const core::Field& field : training.description().fields) add("training." + field.name);
  for (const core::Field& field : data.description().fields) add("data." + field.name);
  return all;
}

std::vector<std::string> SweepSources::model_names(std::size_t arm) const {
  std::vector<std::string> all;
  for (const std::string& name : keys_of(models[arm]->root, "constants")) all.push_back("model." + name);
  if (!keys_of(models[arm]->root, "sizes").empty()) all.emplace_back("model.size");
  return all;
}

std::string SweepSources::arm_pointer(std::size_t arm) const {
  return pointer_join("/arms", fields(arm).value("x-control-of", arms_[arm]));
}

bool SweepSources::has_constant(std::size_t arm, const std::string& name) const {
  if (methods[arm] == nullptr) return false;
  const std::vector<std::string> known = keys_of(methods[arm]->root, "constants");
  return std::ranges::find(known, name) != known.end();
}

}  // namespace isorbit::experiments
