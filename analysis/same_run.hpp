// Two runs of a sweep that compute the same numbers under two names: their difference says nothing.
#pragma once
#include <string>

#include "analysis/labelled_run.hpp"

namespace isorbit::analysis {

/// True where both are known to be one run, of one document or of two that differ in what does nothing.
[[nodiscard]] bool is_same_run(const RunLabel& a, const RunLabel& b);

/// Of two that are: "same as adamw: same document", "same as adamw: never rescales in 20 steps", or, where it
/// is the other that leaves something out, "same as wisca, which never rescales in 20 steps".
[[nodiscard]] std::string same_run_text(const RunLabel& run, const RunLabel& other);

}  // namespace isorbit::analysis
