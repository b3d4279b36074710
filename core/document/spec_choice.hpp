// Which choice of an `either` a value is meant for.
#pragma once
#include "core/document/spec.hpp"

namespace isorbit::core {

/// The choice of `spec`, an either, whose JSON type `value` has; null when there is none. A text goes to a
/// text choice that allows it, then, with `expressions`, to a numeric choice, then to any text choice.
[[nodiscard]] const Spec* choose(const Json& value, const Spec& spec, bool expressions);

}  // namespace isorbit::core
