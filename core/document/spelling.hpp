// One spelling for values that are equal: what is hashed must not depend on how a number was written.
#pragma once
#include "core/document/expression.hpp"

namespace isorbit::core {

/// A constant that names no other constant as what it is: "1e-3" and "0.002 / 2" as the number 0.001, 64.0 as
/// 64, "'relu'" as it stands. Any other value, and what cannot be evaluated, as it stands.
[[nodiscard]] Json plain_constant(const Json& value);

/// A text among `values` evaluated over all of `constants`, which contain it: "base_rate / 2" as a number.
[[nodiscard]] Json evaluated_values(const Json& values, const Constants& constants);

}  // namespace isorbit::core
