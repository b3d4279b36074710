// The step size of an update.
#pragma once
#include "core/document/json.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

/// What the word "learning_rate" with these fields multiplies the direction by.
[[nodiscard]] double learning_rate_at(const core::Json& fields, const Turn& turn);

}  // namespace isorbit::experiments::updates
