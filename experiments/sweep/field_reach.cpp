#include "experiments/sweep/field_reach.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "experiments/method.hpp"
#include "experiments/sweep/resolve_cells.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;
using core::shown;

/// A field with a plain value, and what it is a field of.
struct Place {
  std::string field, owner, pointer;
  Json value;
};

/// Fields of words: of whatever says its "kind" or "schedule".
void collect(const Json& value, const std::string& pointer, std::vector<Place>& places) {
  for (const char* tag : {"kind", "schedule"})
    if (value.is_object() && value.contains(tag))
      for (const auto& [name, member] : value.items())
        if (name != tag && member.is_primitive() && !member.is_null())
          places.push_back({name, "a field of " + shown(value.at(tag)), pointer, member});
  if (!value.is_structured()) return;
  for (const auto& [name, member] : value.items()) collect(member, pointer_join(pointer, name), places);
}

void collect_nodes(const Json& nodes, const std::string& pointer, std::vector<Place>& places) {
  if (!nodes.is_array()) return;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Json& node = nodes[i];
    if (!node.is_object() || !node.contains("op") || !node.at("op").is_string()) continue;
    const core::OpCard* card = every_op().find(node.at("op").get_ref<const std::string&>());
    if (card == nullptr) continue;
    for (const core::Field& attribute : card->attributes) {
      const Json value = node.value(attribute.name, attribute.fallback.value_or(Json()));
      if (value.is_primitive() && !value.is_null())
        places.push_back({attribute.name, "an attribute of " + shown(node.value("id", Json(card->name))),
                          pointer_join(pointer, i), value});
    }
  }
}

std::string text_of(const std::vector<Place>& places, const core::Document& document,
                    const std::string& name) {
  std::vector<std::string> fields;
  for (const Place& place : places) fields.push_back(place.field);
  const bool exact = std::ranges::find(fields, name) != fields.end();
  const std::optional<std::string> field = exact ? std::optional(name) : core::nearest(name, fields);
  if (!field) return {};
  const Place& place = *std::ranges::find(places, *field, &Place::field);
  return shown(Json(*field)) + " is " + place.owner + ", " + document.file + " #" + place.pointer +
         ", and only constants are set from outside: write " + shown(Json(*field)) + ": " +
         shown(Json(*field)) + " there and " + shown(Json(*field)) + ": " + shown(place.value) +
         " in its \"constants\"";
}

}  // namespace

std::string reach_in_method(const core::Document& method, const std::string& name) {
  std::vector<Place> places;
  try {
    const Json resolved = read_method(method).resolved;
    for (const char* part : {"groups", "events"}) collect(resolved.at(part), std::string("/") + part, places);
  } catch (const core::DocumentError&) {
    return {};
  }
  return text_of(places, method, name);
}

std::string reach_in_model(const core::Document& model, const std::string& name) {
  std::vector<Place> places;
  const auto member = [](const Json& object, const char* key) {
    return object.is_object() && object.contains(key) ? object.at(key) : Json();
  };
  collect_nodes(member(model.root, "nodes"), "/nodes", places);
  const Json blocks = member(model.root, "blocks");
  if (blocks.is_object())
    for (const auto& [block, fields] : blocks.items())
      collect_nodes(member(fields, "nodes"), pointer_join("/blocks", block) + "/nodes", places);
  return text_of(places, model, name);
}

}  // namespace isorbit::experiments
