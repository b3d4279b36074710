// Constants and inputs of a model: document < size < overrides, every constant evaluated at once.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/passes/read_model.hpp"

namespace isorbit::core::reading {

namespace {

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

/// Where each constant's value was written.
struct Layers {
  Json values;
  std::map<std::string, std::string> origin;  // constant -> pointer
};

void check_sizes(Reading& r, const std::vector<std::string>& known) {
  for (const auto& [size, values] : r.object("sizes").items()) {
    if (!values.is_object()) continue;
    for (const auto& [name, value] : values.items()) {
      if (r.object("constants").contains(name)) continue;
      r.report(pointer_join("/sizes/" + size, name), "constant " + in_quotes(name), choice(known),
               "a size sets constants of the document", suggestion(name, known));
    }
  }
}

Layers layered(Reading& r, const std::string& size, const Json& overrides,
               const std::vector<std::string>& known) {
  Layers layers{r.object("constants"), {}};
  for (const std::string& name : known) layers.origin[name] = pointer_join("/constants", name);
  const Json& sizes = r.object("sizes");
  if (!size.empty() && !sizes.contains(size)) {
    r.report("/sizes", "no size " + in_quotes(size), choice(keys(sizes)), "it was asked for",
             suggestion(size, keys(sizes)));
  } else if (!size.empty() && sizes.at(size).is_object()) {
    for (const auto& [name, value] : sizes.at(size).items()) {
      if (!layers.values.contains(name)) continue;
      layers.values[name] = value;
      layers.origin[name] = pointer_join(pointer_join("/sizes", size), name);
    }
  }
  if (!overrides.is_object()) {
    r.report("/constants", shown(overrides), "an object of constants", "it overrides them");
    return layers;
  }
  for (const auto& [name, value] : overrides.items()) {
    if (!layers.values.contains(name)) {
      r.report("/constants", "constant " + in_quotes(name) + " set from outside", choice(known), {},
               suggestion(name, known));
    } else if (!value.is_primitive() || value.is_null()) {
      r.report(pointer_join("/constants", name), shown(value) + " set from outside",
               "a number or an expression");
    } else {
      layers.values[name] = value;
      layers.origin[name] = pointer_join("/constants", name);
    }
  }
  return layers;
}

/// The constants a constant uses; none when it is no expression.
std::vector<std::string> uses(const Json& value) {
  if (!value.is_string()) return {};
  try {
    return names_in(value.get_ref<const std::string&>());
  } catch (const ExpressionError&) {
    return {};
  }
}

/// Reports the constants that fail by themselves and one of each cycle, not those that fail because of them.
class Failures {
 public:
  Failures(Reading& r, const Layers& layers, const std::map<std::string, ExpressionError>& failed)
      : r_(r), layers_(layers), failed_(failed) {
    for (const auto& [name, error] : failed)
      for (const std::string& used : uses(layers.values.at(name)))
        if (failed.contains(used)) users_[used].push_back(name), dependent_.insert(name);
  }

  void report() {
    for (const auto& [name, error] : failed_)
      if (!dependent_.contains(name)) report(name, error);
    for (const auto& [name, error] : failed_)  // what is left is a cycle
      if (!explained_.contains(name)) report(name, error);
  }

 private:
  /// Reports one constant; it explains every one that uses it, through others too.
  void report(const std::string& name, const ExpressionError& error) {
    r_.report(layers_.origin.at(name), shown(layers_.values.at(name)), "an expression over constants",
              error.what(), error.suggestion.empty() ? "" : in_quotes(error.suggestion));
    std::vector<std::string> next{name};
    while (!next.empty()) {
      const std::string used = std::move(next.back());
      next.pop_back();
      if (!explained_.insert(used).second) continue;
      const auto users = users_.find(used);
      if (users != users_.end()) next.insert(next.end(), users->second.begin(), users->second.end());
    }
  }

  Reading& r_;
  const Layers& layers_;
  const std::map<std::string, ExpressionError>& failed_;
  std::map<std::string, std::vector<std::string>> users_;  // of a failed constant, those failed too
  std::set<std::string> dependent_, explained_;
};

Json as_json(const Quantity& quantity) {
  if (const auto* text = std::get_if<std::string>(&quantity)) return *text;
  const double number = std::get<double>(quantity);
  if (std::trunc(number) == number && std::abs(number) <= 0x1p53) return static_cast<std::int64_t>(number);
  return number;
}

}  // namespace

Json read_constants(Reading& r, const std::string& size, const Json& overrides) {
  const std::vector<std::string> known = keys(r.object("constants"));
  check_sizes(r, known);
  const Layers layers = layered(r, size, overrides, known);
  const Constants constants(layers.values);
  Json evaluated = Json::object();
  std::map<std::string, ExpressionError> failed;
  for (const std::string& name : known) {
    try {
      const Quantity value = constants.value(name);
      evaluated[name] = as_json(value);
      const auto* text = std::get_if<std::string>(&value);
      r.constants.set(name, text != nullptr ? text_constant(*text) : evaluated[name]);
    } catch (const ExpressionError& error) {
      failed.emplace(name, error);
    }
  }
  Failures(r, layers, failed).report();
  r.constants_sound = failed.empty();
  return evaluated;
}

void read_inputs(Reading& r) {
  const Json& written = r.root.contains("inputs") ? r.root.at("inputs") : Json::object();
  if (written.is_object()) r.input_names = keys(written);
  if (!r.constants_sound || !r.root.contains("inputs")) return;
  const std::size_t before = r.problems.size();
  const Json inputs = resolve(written, inputs_spec(), r.place("/inputs"), r.problems);
  if (r.problems.size() != before) return;
  for (const auto& [name, input] : inputs.items()) {
    const std::string pointer = pointer_join("/inputs", name), type = input.at("type").get<std::string>();
    const bool number = type == "number", bounded = input.contains("below");
    if (!is_name(name))
      r.report(pointer, in_quotes(name), "letters, digits and _, no digit first", "it names an input");
    if (number && bounded)
      r.report(pointer + "/below", shown(input.at("below")), "no \"below\"", "a number has no bound");
    if (!number && !bounded)
      r.report(pointer, "no \"below\"", "an integer of at least 1", "a " + type + " lies in [0, below)");
    ModelInput read{
        name,
        {Shape(input.at("shape").get<std::vector<std::int64_t>>()), number ? DType::f32 : DType::s32},
        bounded ? input.at("below").get<std::int64_t>() : 0};
    try {
      (void)read.type.shape.elements();
      r.inputs.push_back(std::move(read));
    } catch (const std::overflow_error&) {
      r.report(pointer + "/shape", read.type.shape.text(), "at most 2^40 elements");
    }
  }
}

}  // namespace isorbit::core::reading
