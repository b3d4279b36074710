// Integers in JSON that another program may have written.
#pragma once
#include <cstdint>

#include "core/document/json.hpp"

namespace isorbit::core {

/// The integer that `value` is. Throws std::runtime_error for any other value, and for one past 64 bits: what
/// a conversion would make of 1e300 is not defined.
[[nodiscard]] std::int64_t integer_of(const Json& value);

}  // namespace isorbit::core
