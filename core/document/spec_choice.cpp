#include "core/document/spec_choice.hpp"

#include <algorithm>

namespace isorbit::core {
namespace {

using Kind = Spec::Kind;

/// Whether the JSON type of a value is one the spec takes; `expressions`: counting a text as a number.
bool type_fits(const Json& value, const Spec& spec, bool expressions) {
  const Spec::Description& d = spec.description();
  switch (d.kind) {
    case Kind::any:
      return true;
    case Kind::boolean:
      return value.is_boolean();
    case Kind::integer:
    case Kind::number:
      return value.is_number() || (expressions && value.is_string());
    case Kind::text:
      return value.is_string();
    case Kind::list:
      return value.is_array();
    case Kind::object:
    case Kind::map:
    case Kind::variant:
      return value.is_object();
    case Kind::either:
      break;
  }
  return std::any_of(d.elements.begin(), d.elements.end(),
                     [&](const Spec& choice) { return type_fits(value, choice, expressions); });
}

bool allows_text(const Json& value, const Spec& spec) {
  const Spec::Description& d = spec.description();
  if (d.kind == Kind::either) {
    return std::any_of(d.elements.begin(), d.elements.end(),
                       [&](const Spec& s) { return allows_text(value, s); });
  }
  if (d.kind != Kind::text) return false;
  return d.allowed.empty() || std::find(d.allowed.begin(), d.allowed.end(),
                                        value.get_ref<const std::string&>()) != d.allowed.end();
}

}  // namespace

const Spec* choose(const Json& value, const Spec& spec, bool expressions) {
  const auto& choices = spec.description().elements;
  const auto first = [&](const auto& fits) -> const Spec* {
    const auto it = std::find_if(choices.begin(), choices.end(), fits);
    return it == choices.end() ? nullptr : &*it;
  };
  if (value.is_string()) {
    if (const Spec* text = first([&](const Spec& choice) { return allows_text(value, choice); })) return text;
    const auto numeric = [&](const Spec& choice) {
      return type_fits(value, choice, true) && !type_fits(value, choice, false);
    };
    if (const Spec* number = expressions ? first(numeric) : nullptr) return number;
  }
  return first([&](const Spec& choice) { return type_fits(value, choice, false); });
}

}  // namespace isorbit::core
