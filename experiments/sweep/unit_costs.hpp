// What the parts of a cell's work take, once each, and what a cell has of them. Seconds and bytes. NaN: not
// known.
#pragma once
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/graph/op.hpp"
#include "core/passes/passes.hpp"
#include "experiments/method.hpp"
#include "experiments/sweep/sweep.hpp"
#include "experiments/timing/event_sets.hpp"
#include "experiments/training/compute.hpp"

namespace isorbit::experiments {

struct UnitCosts {
  double setup = NAN;       // seconds from the documents to a learner with its first weights
  double step = NAN;        // batch, both passes, update
  double validation = NAN;  // of one batch
  double spectra = NAN;     // one round of singular values and measures
  double bases = NAN;       // singular values of what parametrized weights start from: once a run
  double checkpoint = NAN;
  double event = NAN;                         // of a set of events that is not in `events`
  std::map<std::string, double> events = {};  // by EventSet::due

  double flops = 0, traffic = 0;  // of a step's programs: operations, bytes read and written
  double memory = 0;              // bytes of programs, weights and moments, and of what events compute beside
  double workspace = 0;           // bytes beside them while spectra are computed
  double checkpoint_bytes = 0, weights_bytes = 0;
};

struct UnitPart {
  const char* name;
  double UnitCosts::*seconds;
};
/// Every part but `events`.
[[nodiscard]] std::span<const UnitPart> unit_parts();

/// From shapes alone (core/passes/cost.hpp): a nominal machine. Model and method must agree.
[[nodiscard]] UnitCosts nominal_costs(const core::Model& model, const Method& method, const core::OpSet& ops,
                                      const Compute& compute);

/// How often a cell has each part.
struct UnitCounts {
  std::int64_t steps = 0, validations = 0, spectra = 0, checkpoints = 0;  // validations: batches
  std::vector<EventSet> events;
  std::int64_t evaluations = 0;  // batches that the tasks at the end take, about
};
[[nodiscard]] UnitCounts unit_counts(const Cell& cell, const Method& method);

/// Seconds of a whole cell, its record included.
[[nodiscard]] double seconds_of(const UnitCosts& costs, const UnitCounts& counts);

}  // namespace isorbit::experiments
