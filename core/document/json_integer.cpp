#include "core/document/json_integer.hpp"

#include <limits>
#include <stdexcept>

#include "core/document/problem.hpp"

namespace isorbit::core {

std::int64_t integer_of(const Json& value) {
  const bool too_large =
      value.is_number_unsigned() && value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max();
  if (!value.is_number_integer() || too_large)
    throw std::runtime_error("found " + shown(value) + "; expected an integer of 64 bits");
  return value.get<std::int64_t>();
}

}  // namespace isorbit::core
