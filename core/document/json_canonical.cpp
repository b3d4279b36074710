// The canonical form: what two documents that mean the same have in common, and so what is hashed.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "core/document/json.hpp"

namespace isorbit::core {
namespace {

void write_number(double value, std::string& out) {
  if (!std::isfinite(value)) throw std::domain_error("a document holds finite numbers only");
  std::array<char, 64> digits{};
  // Below 2^63 an integral double is an int64 exactly; -0.0 becomes 0.
  const bool integral = std::trunc(value) == value && std::abs(value) < 0x1p63;
  const auto end =
      integral ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::int64_t>(value))
               : std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void write(const Json& value, std::string& out);

void write_object(const Json& value, std::string& out) {
  std::vector<std::pair<std::string_view, const Json*>> members;
  for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) members.emplace_back(key, &member);
  std::sort(members.begin(), members.end());
  out += '{';
  for (const auto& [key, member] : members) {
    if (member != members.front().second) out += ',';
    out += Json(key).dump();
    out += ':';
    write(*member, out);
  }
  out += '}';
}

void write(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::object:
      return write_object(value, out);
    case Json::value_t::array: {
      out += '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        write(value[i], out);
      }
      out += ']';
      return;
    }
    case Json::value_t::number_float:
      return write_number(value.get<double>(), out);
    default:
      out += value.dump();
  }
}

}  // namespace

std::string canonical(const Json& value) {
  std::string out;
  write(value, out);
  return out;
}

}  // namespace isorbit::core
