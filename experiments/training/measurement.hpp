// What is measured of the weights at a snapshot: singular values, the registered measures, drift and pair
// ratios.
#pragma once
#include <cstdint>
#include <functional>

#include "analysis/measure_set.hpp"
#include "experiments/training/learner.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments {

/// Series: spectrum/<parameter>; measure/<parameter> with every measure, and the unmerged defect and its
/// bound where the weight is parametrized; ratio/<kind>/<first weight> with the l1 and Frobenius norms of the
/// first over the second's, of the families that scale two matrices, or two vectors, against each other.
/// `stops` is asked before every weight, by several threads; once it says so nothing is recorded, and false
/// is returned.
bool measure_weights(Learner& learner, const analysis::MeasureSet& measures, std::int64_t step,
                     Recorder& recorder, const std::function<bool()>& stops = {});

}  // namespace isorbit::experiments
