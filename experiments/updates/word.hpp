// The word an object of a document stands for, for words that hold words.
#pragma once
#include "core/document/json.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

/// The registered update called fields["kind"]. Throws std::logic_error where there is none.
[[nodiscard]] const Update& word_of(const core::Json& fields);

/// What a field takes that is a list of words. The vocabulary describes which.
[[nodiscard]] core::Spec held_words();

/// The field of a word that holds words that lists them. Throws std::logic_error where it has none.
[[nodiscard]] const core::Field& held_field(const Update& word);

}  // namespace isorbit::experiments::updates
