#include "core/document/spec_intent.hpp"

#include <algorithm>

namespace isorbit::core {
namespace {

using Kind = Spec::Kind;

bool fits(const Json& value, const Spec& spec) {
  Problems problems;
  (void)resolve(value, spec, {}, problems);
  return problems.empty();
}

/// What stands in a text, read as JSON: "100", "true", "True".
std::string unquoted(const Json& value, const Spec& spec) {
  if (!value.is_string()) return {};
  std::string text = value.get<std::string>();
  if (text == "True") text = "true";
  if (text == "False") text = "false";
  const Json read = Json::parse(text, nullptr, false);
  return read.is_primitive() && !read.is_string() && fits(read, spec) ? shown(read) : "";
}

/// The only element of a list.
std::string unlisted(const Json& value, const Spec& spec) {
  return value.is_array() && value.size() == 1 && fits(value[0], spec) ? shown(value[0]) : "";
}

std::string scalar(const Json& value, const Spec& spec) {
  const std::string text = unquoted(value, spec);
  return text.empty() ? unlisted(value, spec) : text;
}

std::string listed(const Json& value, const Spec& element) {
  if (value.is_null() || value.is_array()) return {};
  const std::string inner = fits(value, element) ? shown(value) : intended(value, element);
  return inner.empty() ? "" : "[" + inner + "]";
}

/// {"file": "model.json"} for "model.json": the first field that must be there, or the one text that is
/// allowed.
std::string wrapped(const Json& value, const std::vector<Field>& fields) {
  if (value.is_structured() || value.is_null()) return {};
  for (const Field& field : fields) {
    const bool required = !field.fallback && !field.optional;
    const bool named = !field.spec.description().allowed.empty();
    if ((required || named) && fits(value, field.spec))
      return "{" + shown(Json(field.name)) + ": " + shown(value) + "}";
    if (required) return {};
  }
  return {};
}

}  // namespace

std::string intended(const Json& value, const Spec& spec) {
  const Spec::Description& d = spec.description();
  switch (d.kind) {
    case Kind::any:
    case Kind::map:
      return {};
    case Kind::boolean:
      return value == 1 ? "true" : value == 0 ? "false" : scalar(value, spec);
    case Kind::integer:
    case Kind::number:
    case Kind::text:
      return scalar(value, spec);
    case Kind::list:
      return listed(value, d.elements[0]);
    case Kind::object:
      return wrapped(value, d.fields);
    case Kind::variant: {
      const bool known = std::ranges::any_of(d.choices, [&](const auto& c) { return value == c.first; });
      return known ? "{" + shown(Json(d.tag)) + ": " + shown(value) + "}" : "";
    }
    case Kind::either:
      break;
  }
  for (const Spec& choice : d.elements)
    if (std::string text = intended(value, choice); !text.empty()) return text;
  return {};
}

}  // namespace isorbit::core
