// Whether a rescale event fits a model and the rest of its method.
#pragma once
#include <optional>
#include <string>

#include "experiments/method.hpp"

namespace isorbit::experiments {

/// Adds a problem where there are no logits to compare, a pattern names no kind of the model's, a granularity
/// does not exist, a weight is not in the event's group (nothing: the event stands beside the groups), a
/// moment cannot follow the factors, or a rate cannot stand for one. `at` is the event's JSON pointer.
void check_rescale(const core::Json& fields, const std::string& at, std::optional<std::size_t> group,
                   const Method& method, const core::Model& model, const core::Document& document,
                   core::Problems& problems);

}  // namespace isorbit::experiments
