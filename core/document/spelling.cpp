#include "core/document/spelling.hpp"

#include <cmath>

namespace isorbit::core {
namespace {

Json json_of(double number) {
  if (std::trunc(number) == number && std::abs(number) < 0x1p53) return static_cast<std::int64_t>(number);
  return number;
}

Json json_of(const Quantity& quantity) {
  const auto* text = std::get_if<std::string>(&quantity);
  return text != nullptr ? text_constant(*text) : json_of(std::get<double>(quantity));
}

}  // namespace

Json plain_constant(const Json& value) {
  if (value.is_number_float()) return json_of(value.get<double>());
  if (!value.is_string()) return value;
  try {
    return json_of(Constants().evaluate(value.get_ref<const std::string&>()));
  } catch (const ExpressionError&) {
    return value;
  }
}

Json evaluated_values(const Json& values, const Constants& constants) {
  Json out = values;
  for (const auto& [name, value] : values.items()) {
    if (!value.is_string()) continue;
    try {
      out[name] = json_of(constants.value(name));
    } catch (const ExpressionError&) {
      continue;  // reported where the document is read
    }
  }
  return out;
}

}  // namespace isorbit::core
