// Control arms ("controls": "auto"). A rescale before training changes the sizes of steps relative to
// weights, as multipliers of the learning rates of single weights would. So every arm that rescales at step 0
// gets an arm called after it, with "-control": the same method with "apply": "rates" in each of its rescale
// events, which leaves the weights and sizes their steps as if they had been scaled. Under Adam without
// epsilon and clipping the two are equal to rounding, whatever "moments" says; a gain that the control has
// too is one of learning rates. Clipping sees the gradients of scaled weights in one and not in the other: a
// note says so.
//
// Events that repeat are turned too. With step 0 alone turned, the first repetition would scale weights whose
// steps are already sized as if it had happened: the control of no method.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/document/problem.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::experiments {

/// A document an arm, in their order.
using ArmDocuments = std::vector<std::shared_ptr<core::Document>>;

struct Controls {
  std::vector<std::pair<std::string, std::string>> arms;  // arm, control
  std::vector<std::string> notes;  // arms that have none and why, controls that clip otherwise
};

/// Adds the controls to the arms of a resolved sweep, each after its arm with a key "x-control-of", and to
/// the documents, which go with the arms. Rates can stand for a rescale or not in an arm's model (POET has
/// none); where they cannot, that is a note. A name that is taken is a problem; an arm whose model cannot be
/// read gets none.
[[nodiscard]] Controls add_controls(const core::Document& document, core::Json& resolved,
                                    ArmDocuments& models, ArmDocuments& methods, core::Problems& problems);

/// A method with "apply": "rates" in all its rescale events.
[[nodiscard]] core::Document with_rates(core::Document method);

}  // namespace isorbit::experiments
