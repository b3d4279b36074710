// A spec as JSON Schema, https://json-schema.org/draft/2020-12.
#include "core/document/spec.hpp"

namespace isorbit::core {
namespace {

using Kind = Spec::Kind;

Json schema(const Spec& spec);

void add_range(const Spec::Description& d, Json& out) {
  const auto plain = [](double number) { return Json::parse(canonical(Json(number))); };
  if (d.low) out[d.low_open ? "exclusiveMinimum" : "minimum"] = plain(*d.low);
  if (d.high) out[d.high_open ? "exclusiveMaximum" : "maximum"] = plain(*d.high);
}

Json field_schema(const Field& field) {
  Json out = schema(field.spec);
  if (field.optional || (field.fallback && field.fallback->is_null())) {
    Json nullable;
    nullable["anyOf"] = Json::array({std::move(out), {{"type", "null"}}});
    out = std::move(nullable);
  }
  if (!field.help.empty()) out["description"] = field.help;
  if (field.fallback) out["default"] = *field.fallback;
  return out;
}

/// Adds the fields of an object, after those already in `out`.
void add_fields(const Spec::Description& d, Json& out) {
  if (!out.contains("properties")) out["properties"] = Json::object();
  for (const Field& field : d.fields) {
    out["properties"][field.name] = field_schema(field);
    if (!field.fallback && !field.optional) out["required"].push_back(field.name);
  }
  out["patternProperties"]["^x-"] = true;
  out["additionalProperties"] = false;
}

Json choices(const Spec::Description& d) {
  Json all = Json::array();
  for (const auto& [name, choice] : d.choices) {
    Json one;
    if (!choice.description().help.empty()) one["description"] = choice.description().help;
    one["properties"][d.tag]["const"] = name;
    one["required"] = Json::array({d.tag});
    add_fields(choice.description(), one);
    all.push_back(std::move(one));
  }
  return all;
}

Json schema(const Spec& spec) {
  const Spec::Description& d = spec.description();
  Json out = Json::object();
  if (!d.help.empty()) out["description"] = d.help;
  switch (d.kind) {
    case Kind::any:
      break;
    case Kind::boolean:
      out["type"] = "boolean";
      break;
    case Kind::integer:
    case Kind::number:  // a text is an expression; ranges bind numbers only
      out["type"] = {d.kind == Kind::integer ? "integer" : "number", "string"};
      add_range(d, out);
      break;
    case Kind::text:
      out["type"] = "string";
      if (!d.allowed.empty()) out["enum"] = d.allowed;
      if (d.least_items > 0) out["minLength"] = d.least_items;
      break;
    case Kind::list:
      out["type"] = "array";
      out["items"] = schema(d.elements[0]);
      if (d.least_items > 0) out["minItems"] = d.least_items;
      break;
    case Kind::object:
      out["type"] = "object";
      add_fields(d, out);
      break;
    case Kind::map:
      out["type"] = "object";
      out["additionalProperties"] = schema(d.elements[0]);
      if (d.least_items > 0) out["minProperties"] = d.least_items;
      break;
    case Kind::variant:
      out["type"] = "object";
      out["required"] = Json::array({d.tag});
      out["oneOf"] = choices(d);
      break;
    case Kind::either:
      for (const Spec& choice : d.elements) out["anyOf"].push_back(schema(choice));
      break;
  }
  return out;
}

/// "$schema" is legal at the root of every document.
void allow_schema_key(Json& out) {
  const Json text = {{"type", "string"}};
  if (out.contains("additionalProperties")) out["properties"]["$schema"] = text;
  for (const char* several : {"oneOf", "anyOf"}) {
    if (!out.contains(several)) continue;
    for (Json& choice : out[several]) allow_schema_key(choice);
  }
}

}  // namespace

Json json_schema(const Spec& spec, const std::string& title) {
  Json out;
  out["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  out["title"] = title;
  Json body = schema(spec);
  allow_schema_key(body);
  out.update(body);
  return out;
}

}  // namespace isorbit::core
