// What an arm trains: the sweep's model, with what the arm has otherwise.
#pragma once
#include "core/document/json.hpp"

namespace isorbit::experiments {

/// {"file", "size" where there is one, "constants"} of an arm with these fields in a resolved sweep. A file
/// of its own brings its own size and constants, none of the sweep's; without one the sweep's size is
/// replaced and constants are laid over.
[[nodiscard]] core::Json arm_model(const core::Json& resolved, const core::Json& arm);

}  // namespace isorbit::experiments
