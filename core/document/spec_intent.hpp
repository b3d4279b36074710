// What was meant by a value that a spec does not take.
#pragma once
#include "core/document/spec.hpp"

namespace isorbit::core {

/// The value as it should probably be written: a number or a truth value out of its quotes, a list around its
/// one element or an element out of its list, an object around its first field. Empty: nobody can tell.
[[nodiscard]] std::string intended(const Json& value, const Spec& spec);

}  // namespace isorbit::core
