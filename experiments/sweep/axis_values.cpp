#include "experiments/sweep/axis_values.hpp"

#include <algorithm>

#include "core/document/spelling.hpp"
#include "experiments/sweep/expand.hpp"
#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;

/// A value of the axis `name`.
Json settled(const std::string& name, const Json& value) {
  const std::string group = name.substr(0, name.find('.')), field = name.substr(name.find('.') + 1);
  if (name == "model.size") return value;
  if (group != "training" && group != "data") return core::plain_constant(value);
  const core::Spec spec = group == "data" ? data_spec() : training_spec();
  const std::vector<core::Field>& fields = spec.description().fields;
  const auto found = std::ranges::find(fields, field, &core::Field::name);
  core::Problems none;  // they were checked
  Json plain = found == fields.end() ? value : core::resolve(value, found->spec, {}, none);
  return plain.is_number() ? core::plain_constant(plain) : plain;
}

void settle_constants(Json& constants) {
  for (auto& [name, value] : constants.items()) value = core::plain_constant(value);
}

void settle_axes(Json& axes, const std::string& prefix) {
  for (auto& [name, values] : axes.items())
    for (Json& value : values) value = settled(prefix + name, value);
}

/// Adds a warning for every element of a list that an earlier one equals.
void repeats(const core::Document& document, const std::string& at, const Json& list,
             std::vector<core::Problem>& warnings) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto before = std::find_if(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i),
                                     [&](const Json& other) { return equal(other, list[i]); });
    if (before == list.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    const std::string pointer = pointer_join(at, i);
    warnings.push_back({document.file, document.position(pointer), pointer,
                        core::shown(list[i]) + " a second time", "every value once",
                        "it is the run of the first one, which is not made again", ""});
  }
}

/// Zipped lists, turned: what they set together.
Json together(const Json& zipped) {
  Json all = Json::array();
  for (std::size_t i = 0; i < zipped.begin()->size(); ++i) {
    Json setting = Json::object();
    for (const auto& [name, values] : zipped.items()) setting[name] = values.at(i);
    all.push_back(std::move(setting));
  }
  return all;
}

}  // namespace

void settle_values(Json& resolved) {
  settle_constants(resolved.at("model").at("constants"));
  for (auto& [name, arm] : resolved.at("arms").items()) {
    if (arm.at("model").contains("constants")) settle_constants(arm.at("model").at("constants"));
    settle_constants(arm.at("set"));
    settle_axes(arm.at("tune"), "method.");
  }
  settle_axes(resolved.at("parameters"), "");
  for (Json& zipped : resolved.at("zip")) settle_axes(zipped, "");
}

void find_repeats(const core::Document& document, const Json& resolved,
                  std::vector<core::Problem>& warnings) {
  for (const auto& [name, arm] : resolved.at("arms").items()) {
    if (arm.contains("x-control-of")) continue;
    const std::string at = pointer_join("/arms", name) + "/tune";
    for (const auto& [constant, values] : arm.at("tune").items())
      repeats(document, pointer_join(at, constant), values, warnings);
  }
  for (const auto& [name, values] : resolved.at("parameters").items())
    repeats(document, pointer_join("/parameters", name), values, warnings);
  const Json& zips = resolved.at("zip");
  for (std::size_t i = 0; i < zips.size(); ++i) {
    const std::string at = pointer_join(pointer_join("/zip", i), zips[i].begin().key());
    repeats(document, at, together(zips[i]), warnings);
  }
  repeats(document, "/seeds", resolved.at("seeds"), warnings);
}

}  // namespace isorbit::experiments
