#include "experiments/program/duration.hpp"

#include <array>
#include <charconv>
#include <string_view>
#include <vector>

namespace isorbit::experiments {
namespace {

constexpr double kMinute = 60, kHour = 3600, kDay = 86400;

/// Takes a number off the front of `text`; no sign, and a fraction only where it is allowed.
std::optional<double> take_number(std::string_view& text, bool fraction) {
  const std::size_t end = text.find_first_not_of(fraction ? "0123456789." : "0123456789");
  const std::string_view digits = text.substr(0, end);
  double value = 0;
  const auto [stopped, error] =
      std::from_chars(digits.begin(), digits.end(), value, std::chars_format::fixed);
  if (digits.empty() || digits.size() > 12 || error != std::errc() || stopped != digits.end())
    return std::nullopt;
  text.remove_prefix(digits.size());
  return value;
}

/// "1h30m": units fall and none is said twice.
std::optional<double> from_units(std::string_view text) {
  constexpr std::array<std::pair<char, double>, 4> kUnits = {
      std::pair{'d', kDay}, {'h', kHour}, {'m', kMinute}, {'s', 1}};
  double sum = 0, last = 2 * kDay;
  while (!text.empty()) {
    const std::optional<double> value = take_number(text, true);
    if (!value || text.empty()) return std::nullopt;
    double unit = 0;
    for (const auto& [letter, seconds] : kUnits)
      if (text.front() == letter) unit = seconds;
    if (unit == 0 || unit >= last) return std::nullopt;
    sum += *value * unit;
    last = unit;
    text.remove_prefix(1);
  }
  return sum;
}

/// "1:30:00", and after "2-" from hours on.
std::optional<double> from_colons(std::string_view text) {
  double days = 0;
  const bool has_days = text.find('-') != text.npos;
  if (has_days) {
    const std::optional<double> value = take_number(text, false);
    if (!value || !text.starts_with('-')) return std::nullopt;
    days = *value;
    text.remove_prefix(1);
  }
  std::vector<double> fields;
  while (true) {
    const std::optional<double> value = take_number(text, false);
    if (!value || (!fields.empty() && *value >= 60)) return std::nullopt;
    fields.push_back(*value);
    if (text.empty()) break;
    if (!text.starts_with(':')) return std::nullopt;
    text.remove_prefix(1);
  }
  if (fields.size() > 3 || (!has_days && fields.size() < 2)) return std::nullopt;
  double unit = has_days || fields.size() == 3 ? kHour : kMinute, sum = days * kDay;
  for (const double field : fields) {
    sum += field * unit;
    unit /= 60;
  }
  return sum;
}

}  // namespace

std::optional<double> seconds_from(const std::string& text) {
  std::string_view rest = text;
  std::optional<double> seconds = take_number(rest, true);
  if (!seconds) return std::nullopt;
  if (!rest.empty()) seconds = text.find_first_of(":-") != text.npos ? from_colons(text) : from_units(text);
  return seconds && *seconds > 0 ? seconds : std::nullopt;
}

}  // namespace isorbit::experiments
