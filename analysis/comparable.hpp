// Which numbers of two runs may be subtracted, and what to say beside the difference.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "analysis/labelled_run.hpp"

namespace isorbit::analysis {

/// Why the difference of two runs in `metric` ("valid/loss") would mean nothing: "other data", "other
/// tokenizer" (a token of one is not a token of the other), "other validation set"; empty: it means
/// something. A validation loss stands on its targets, a training loss on what is trained on, an accuracy on
/// the corpus; any other series on nothing outside the run.
[[nodiscard]] std::string obstacle(const RunBasis& a, const RunBasis& b, std::string_view metric);

/// What else tells `a` from `b` besides the method: "another model", "600 steps, not 300", "other training
/// data".
[[nodiscard]] std::vector<std::string> also_differs(const RunBasis& a, const RunBasis& b);

}  // namespace isorbit::analysis
