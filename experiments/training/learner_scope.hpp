// What an event sees of a learner.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "experiments/event.hpp"
#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

/// Runs every event of the method that is due after `step` finished updates, in order: groups first, then the
/// method's own. The learner's probe_inputs() must hold the probe batch whenever logits() may be asked:
/// `probe` is called for it.
void run_events(Learner& learner, std::int64_t step, const std::function<void()>& probe,
                const std::function<void(const EventRow&)>& log);

}  // namespace isorbit::experiments
