// Names that are set from outside and are no constants of the document.
#pragma once
#include <string>

#include "core/document/json.hpp"

namespace isorbit::experiments {

/// Where a method has a field of this name in a word, or a model an attribute in a node, with what must be
/// written to make a constant of it, which alone can be set from outside. Empty: it has none.
[[nodiscard]] std::string reach_in_method(const core::Document& method, const std::string& name);
[[nodiscard]] std::string reach_in_model(const core::Document& model, const std::string& name);

}  // namespace isorbit::experiments
