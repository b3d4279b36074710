// What an arm trains: the sweep's model, with what the arm has otherwise.
#pragma once
#include <string>

#include "core/document/json.hpp"

namespace isorbit::experiments {

/// True when an arm of a resolved sweep names a model document of its own.
[[nodiscard]] bool has_own_model(const core::Json& resolved, const std::string& arm);

/// {"file", "size" where there is one, "constants"} of an arm. A file of its own brings its own size and
/// constants, none of the sweep's; without one the sweep's size is replaced and constants are laid over.
[[nodiscard]] core::Json arm_model(const core::Json& resolved, const std::string& arm);

}  // namespace isorbit::experiments
