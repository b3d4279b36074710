#include "core/document/spec.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace isorbit::core {
namespace {

using Kind = Spec::Kind;

std::shared_ptr<Spec::Description> fresh(Kind kind) {
  auto description = std::make_shared<Spec::Description>();
  description->kind = kind;
  return description;
}

/// A copy to refine, of a spec that must be one of `kinds`.
std::shared_ptr<Spec::Description> copy(const Spec& spec, std::initializer_list<Kind> kinds,
                                        const char* refinement) {
  if (kinds.size() > 0 && std::find(kinds.begin(), kinds.end(), spec.description().kind) == kinds.end()) {
    throw std::logic_error(std::string("this kind of value has no ") + refinement);
  }
  return std::make_shared<Spec::Description>(spec.description());
}

void require_new(std::set<std::string>& seen, const std::string& name) {
  if (!seen.insert(name).second) throw std::logic_error('"' + name + "\" is described twice");
}

std::string quoted_list(const std::vector<std::string>& words) {
  std::string all = words.size() == 1 ? "" : "one of ";
  for (std::size_t i = 0; i < words.size(); ++i) all += (i > 0 ? ", " : "") + shown(Json(words[i]));
  return all;
}

std::string range(const Spec::Description& d) {
  std::string words;
  if (d.low) words += (d.low_open ? " above " : " of at least ") + canonical(Json(*d.low));
  if (d.low && d.high) words += " and";
  if (d.high)
    words += (d.high_open ? " below " : d.low ? " at most " : " of at most ") + canonical(Json(*d.high));
  return words;
}

/// "an object" with what it must have.
std::string object_words(const std::vector<Field>& fields) {
  std::string words = "an object";
  for (const Field& field : fields)
    if (!field.fallback && !field.optional)
      words += (words == "an object" ? " with " : ", ") + shown(Json(field.name));
  return words;
}

std::string counted(const Spec::Description& d, const std::string& unit) {
  if (d.least_items == 0) return "";
  return " of at least " + std::to_string(d.least_items) + " " + unit + (d.least_items > 1 ? "s" : "");
}

}  // namespace

Spec Spec::any() { return Spec(fresh(Kind::any)); }
Spec Spec::boolean() { return Spec(fresh(Kind::boolean)); }
Spec Spec::integer() { return Spec(fresh(Kind::integer)); }
Spec Spec::number() { return Spec(fresh(Kind::number)); }
Spec Spec::text() { return Spec(fresh(Kind::text)); }

Spec Spec::list(Spec element) {
  auto d = fresh(Kind::list);
  d->elements.push_back(std::move(element));
  return Spec(d);
}

Spec Spec::object(std::vector<Field> fields) {
  std::set<std::string> seen;
  for (const Field& field : fields) require_new(seen, field.name);
  auto d = fresh(Kind::object);
  d->fields = std::move(fields);
  return Spec(d);
}

Spec Spec::map(Spec value) {
  auto d = fresh(Kind::map);
  d->elements.push_back(std::move(value));
  return Spec(d);
}

Spec Spec::variant(std::string tag, std::vector<std::pair<std::string, Spec>> choices) {
  std::set<std::string> seen;
  for (const auto& [name, choice] : choices) {
    require_new(seen, name);
    const auto& fields = choice.description().fields;
    if (choice.description().kind != Kind::object) throw std::logic_error("a variant's choices are objects");
    if (std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.name == tag; })) {
      throw std::logic_error('"' + tag + "\" is described twice");
    }
  }
  auto d = fresh(Kind::variant);
  d->tag = std::move(tag);
  d->choices = std::move(choices);
  return Spec(d);
}

Spec Spec::either(std::vector<Spec> choices) {
  auto d = fresh(Kind::either);
  d->elements = std::move(choices);
  return Spec(d);
}

Spec Spec::at_least(double low) const {
  auto d = copy(*this, {Kind::integer, Kind::number}, "range");
  d->low = low;
  d->low_open = false;
  return Spec(d);
}

Spec Spec::above(double low) const {
  auto d = copy(*this, {Kind::integer, Kind::number}, "range");
  d->low = low;
  d->low_open = true;
  return Spec(d);
}

Spec Spec::at_most(double high) const {
  auto d = copy(*this, {Kind::integer, Kind::number}, "range");
  d->high = high;
  d->high_open = false;
  return Spec(d);
}

Spec Spec::below(double high) const {
  auto d = copy(*this, {Kind::integer, Kind::number}, "range");
  d->high = high;
  d->high_open = true;
  return Spec(d);
}

Spec Spec::one_of(std::vector<std::string> allowed) const {
  auto d = copy(*this, {Kind::text}, "allowed texts");
  if (allowed.empty()) throw std::logic_error("a text must have at least one allowed value");
  d->allowed = std::move(allowed);
  return Spec(d);
}

Spec Spec::at_least_items(std::size_t count) const {
  auto d = copy(*this, {Kind::text, Kind::list, Kind::map}, "least number of items");
  d->least_items = count;
  return Spec(d);
}

Spec Spec::help(std::string line) const {
  auto d = copy(*this, {}, "help");
  d->help = std::move(line);
  return Spec(d);
}

std::string expectation(const Spec& spec) {
  const Spec::Description& d = spec.description();
  switch (d.kind) {
    case Kind::any:
      return "a value";
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return "an integer" + range(d);
    case Kind::number:
      return "a number" + range(d);
    case Kind::text:
      return d.allowed.empty() ? "a text" + counted(d, "character") : quoted_list(d.allowed);
    case Kind::list:
      return "a list" + counted(d, "element");
    case Kind::object:
      return object_words(d.fields);
    case Kind::map:
      return "an object" + counted(d, "member");
    case Kind::variant: {
      std::vector<std::string> names;
      for (const auto& choice : d.choices) names.push_back(choice.first);
      return "an object with " + shown(Json(d.tag)) + " " + quoted_list(names);
    }
    case Kind::either:
      break;
  }
  std::string all;
  for (const Spec& choice : d.elements) all += (all.empty() ? "" : " or ") + expectation(choice);
  return all;
}

}  // namespace isorbit::core
