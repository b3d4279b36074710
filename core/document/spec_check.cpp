// Checks a value against its spec and completes it: one function per kind of value.
#include <algorithm>
#include <cmath>

#include "core/document/spec.hpp"
#include "core/document/spec_choice.hpp"
#include "core/document/spec_intent.hpp"

namespace isorbit::core {
namespace {

using Kind = Spec::Kind;

constexpr double kExact = 0x1p53;  // integers a double holds exactly

struct Checker {
  Place place;
  Problems& problems;

  [[nodiscard]] Json check(const Json& value, const Spec& spec, const std::string& pointer) const;

  void report(const std::string& pointer, std::string found, std::string expected, std::string because = {},
              std::string suggestion = {}, bool at_key = false) const {
    Problem problem{
        {}, {}, pointer, std::move(found), std::move(expected), std::move(because), std::move(suggestion)};
    if (place.document != nullptr) {
      problem.file = place.document->file;
      problem.position = at_key ? place.document->key_position(pointer) : place.document->position(pointer);
    }
    problems.add(std::move(problem));
  }

  void mismatch(const Json& value, const Spec& spec, const std::string& pointer) const {
    report(pointer, shown(value), expectation(spec), {}, intended(value, spec));
  }

  Json numeric(const Json& value, const Spec& spec, const std::string& pointer) const;
  Json text(const Json& value, const Spec& spec, const std::string& pointer) const;
  Json list(const Json& value, const Spec& spec, const std::string& pointer) const;
  Json map(const Json& value, const Spec& spec, const std::string& pointer) const;
  Json object(const Json& value, const Spec& spec, const std::string& pointer, const std::string& tag) const;
  std::optional<Json> member(const Json& value, const Field& field, const std::string& pointer) const;
  Json variant(const Json& value, const Spec& spec, const std::string& pointer) const;
  Json either(const Json& value, const Spec& spec, const std::string& pointer) const;
};

/// Whether a value passes by itself, without constants.
bool takes(const Json& value, const Spec& spec) {
  Problems problems;
  (void)Checker{{}, problems}.check(value, spec, {});
  return problems.empty();
}

std::string in_quotes(const std::optional<std::string>& word) { return word ? shown(Json(*word)) : ""; }

std::vector<std::string> field_names(const Spec::Description& d, const std::string& tag) {
  std::vector<std::string> names;
  if (!tag.empty()) names.push_back(tag);
  for (const Field& field : d.fields) names.push_back(field.name);
  return names;
}

std::string one_of_words(const std::vector<std::string>& names) {
  if (names.empty()) return "no key";
  return expectation(Spec::text().one_of(names));
}

/// Keys that are legal anywhere without being described.
bool is_note(const std::string& key, const std::string& pointer) {
  return key.starts_with("x-") || (key == "$schema" && pointer.empty());
}

bool within(double number, const Spec::Description& d) {
  if (d.low && (d.low_open ? number <= *d.low : number < *d.low)) return false;
  return !d.high || (d.high_open ? number < *d.high : number <= *d.high);
}

Json as_json(double number) {
  if (std::trunc(number) == number && std::abs(number) <= kExact) return static_cast<std::int64_t>(number);
  return number;
}

Json Checker::numeric(const Json& value, const Spec& spec, const std::string& pointer) const {
  const Spec::Description& d = spec.description();
  Json result = value;
  std::string found = shown(value);
  if (value.is_string() && place.constants != nullptr) {
    try {
      result = as_json(place.constants->number(value.get_ref<const std::string&>()));
      found = shown(result) + " from " + found;
    } catch (const ExpressionError& error) {
      report(pointer, found, expectation(spec),
             std::string(error.what()) + " (character " + std::to_string(error.column) + ")",
             error.suggestion.empty() ? "" : in_quotes(error.suggestion));
      return value;
    }
  }
  const bool fits =
      result.is_number() && std::isfinite(result.get<double>()) && within(result.get<double>(), d);
  if (fits && d.kind == Kind::number) return result;
  if (fits && result.is_number_float()) result = as_json(result.get<double>());
  if (fits && result.is_number_integer()) return result;
  report(pointer, found, expectation(spec), {}, intended(value, spec));
  return value;
}

Json Checker::text(const Json& value, const Spec& spec, const std::string& pointer) const {
  const Spec::Description& d = spec.description();
  if (!value.is_string()) {
    mismatch(value, spec, pointer);
    return value;
  }
  const auto& word = value.get_ref<const std::string&>();
  const auto characters = std::count_if(
      word.begin(), word.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  if (!d.allowed.empty() && std::find(d.allowed.begin(), d.allowed.end(), word) == d.allowed.end()) {
    report(pointer, shown(value), expectation(spec), {}, in_quotes(nearest(word, d.allowed)));
  } else if (static_cast<std::size_t>(characters) < d.least_items) {
    mismatch(value, spec, pointer);
  }
  return value;
}

Json Checker::list(const Json& value, const Spec& spec, const std::string& pointer) const {
  if (!value.is_array()) {
    mismatch(value, spec, pointer);
    return value;
  }
  const Spec::Description& d = spec.description();
  if (value.size() < d.least_items) {
    report(pointer, value.empty() ? "an empty list" : "a list of " + std::to_string(value.size()),
           expectation(spec));
  }
  Json result = Json::array();
  for (std::size_t i = 0; i < value.size(); ++i) {
    result.push_back(check(value[i], d.elements[0], pointer_join(pointer, i)));
  }
  return result;
}

Json Checker::map(const Json& value, const Spec& spec, const std::string& pointer) const {
  if (!value.is_object()) {
    mismatch(value, spec, pointer);
    return value;
  }
  const Spec::Description& d = spec.description();
  Json::object_t members;
  for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
    if (key == "$schema" && pointer.empty()) continue;
    members.emplace_back(key, check(member, d.elements[0], pointer_join(pointer, key)));
  }
  if (members.size() < d.least_items) {
    report(pointer, members.empty() ? "an empty object" : "an object of " + std::to_string(members.size()),
           expectation(spec));
  }
  return members;
}

/// The value of a field that is written; nothing where null stands for its absence.
std::optional<Json> Checker::member(const Json& value, const Field& field, const std::string& pointer) const {
  if (value.is_null() && field.optional) return std::nullopt;
  if (value.is_null() && field.fallback && field.fallback->is_null()) return value;
  if (value.is_null() && field.fallback && !takes(value, field.spec)) {
    report(pointer, "null", expectation(field.spec),
           "a key that is left out has its default, " + shown(*field.fallback));
    return std::nullopt;
  }
  if (value == false && field.optional && !takes(value, field.spec)) {
    report(pointer, "false", expectation(field.spec) + " or null", {}, "null");
    return std::nullopt;
  }
  return check(value, field.spec, pointer);
}

/// `tag` is a key that has been checked already, or empty.
Json Checker::object(const Json& value, const Spec& spec, const std::string& pointer,
                     const std::string& tag) const {
  const Spec::Description& d = spec.description();
  const auto find = [&](const std::string& key) {
    return std::find_if(d.fields.begin(), d.fields.end(),
                        [&](const Field& field) { return field.name == key; });
  };
  std::vector<std::optional<Json>> members(d.fields.size());
  for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
    const std::string here = pointer_join(pointer, key);
    if (const auto field = find(key); field != d.fields.end()) {
      members[static_cast<std::size_t>(field - d.fields.begin())] = this->member(member, *field, here);
    } else if ((tag.empty() || key != tag) && !is_note(key, pointer)) {
      const auto names = field_names(d, tag);
      report(here, "key " + shown(Json(key)), one_of_words(names), {}, in_quotes(nearest(key, names)), true);
    }
  }
  Json result = Json::object();
  if (!tag.empty()) result[tag] = value[tag];
  for (std::size_t i = 0; i < d.fields.size(); ++i) {
    const Field& field = d.fields[i];
    if (members[i]) {
      result[field.name] = std::move(*members[i]);
    } else if (field.fallback) {
      result[field.name] = field.fallback->is_null()
                               ? *field.fallback
                               : check(*field.fallback, field.spec, pointer_join(pointer, field.name));
    } else if (!field.optional) {
      report(pointer, "no " + shown(Json(field.name)), expectation(field.spec), "it is required");
    }
  }
  return result;
}

Json Checker::variant(const Json& value, const Spec& spec, const std::string& pointer) const {
  const Spec::Description& d = spec.description();
  if (!value.is_object()) {
    mismatch(value, spec, pointer);
    return value;
  }
  std::vector<std::string> names;
  for (const auto& choice : d.choices) names.push_back(choice.first);
  const auto tag = value.find(d.tag);
  if (tag == value.end()) {
    std::vector<std::string> keys;
    for (const auto& member : value.get_ref<const Json::object_t&>()) keys.push_back(member.first);
    const auto mistyped = nearest(d.tag, keys);
    report(pointer, "no " + shown(Json(d.tag)), one_of_words(names), "it is required",
           mistyped ? shown(Json(d.tag)) + " for " + in_quotes(mistyped) : "");
    return value;
  }
  for (const auto& [name, choice] : d.choices) {
    if (*tag == name) return object(value, choice, pointer, d.tag);
  }
  report(pointer_join(pointer, d.tag), shown(*tag), one_of_words(names), {},
         tag->is_string() ? in_quotes(nearest(tag->get_ref<const std::string&>(), names)) : "");
  return value;
}

Json Checker::either(const Json& value, const Spec& spec, const std::string& pointer) const {
  const Spec* chosen = choose(value, spec, place.constants != nullptr);
  const bool other = chosen != nullptr && chosen->description().kind == Kind::text &&
                     !takes(value, *chosen) && !intended(value, spec).empty();
  if (chosen != nullptr && !other) return check(value, *chosen, pointer);
  mismatch(value, spec, pointer);
  return value;
}

Json Checker::check(const Json& value, const Spec& spec, const std::string& pointer) const {
  switch (spec.description().kind) {
    case Kind::any:
      return value;
    case Kind::boolean:
      if (!value.is_boolean()) mismatch(value, spec, pointer);
      return value;
    case Kind::integer:
    case Kind::number:
      return numeric(value, spec, pointer);
    case Kind::text:
      return text(value, spec, pointer);
    case Kind::list:
      return list(value, spec, pointer);
    case Kind::map:
      return map(value, spec, pointer);
    case Kind::variant:
      return variant(value, spec, pointer);
    case Kind::either:
      return either(value, spec, pointer);
    case Kind::object:
      break;
  }
  if (value.is_object()) return object(value, spec, pointer, {});
  mismatch(value, spec, pointer);
  return value;
}

}  // namespace

Json resolve(const Json& value, const Spec& spec, const Place& place, Problems& problems) {
  return Checker{place, problems}.check(value, spec, place.pointer);
}

}  // namespace isorbit::core
