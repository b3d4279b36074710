// The word an object of a document stands for, for words that hold words.
#pragma once
#include "core/document/json.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

/// The registered update called fields["kind"]. Throws std::logic_error where there is none.
[[nodiscard]] const Update& word_of(const core::Json& fields);

}  // namespace isorbit::experiments::updates
