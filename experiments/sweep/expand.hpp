// Multiplies a sweep out.
#pragma once
#include <string>
#include <vector>

#include "experiments/sweep/axes.hpp"

namespace isorbit::experiments {

/// A cell before its model and method are read: what its documents are to be resolved with.
struct Candidate {
  std::size_t arm = 0;
  std::vector<Assignment> changed;
  std::int64_t seed = 0;
  std::string size;
  core::Json model_constants, method_constants, data, training;
};

struct Expansion {
  std::vector<Candidate> candidates;
  std::vector<Dropped> dropped;
  std::vector<std::string> notes;
};

/// Every combination of arms, axes and seeds that no `when` and no exclude drops. A `when` that cannot be
/// evaluated, and more than 100 000 combinations, are problems.
[[nodiscard]] Expansion expand(const SweepSources& sources, core::Problems& problems);

/// Numbers by value, all else as JSON.
[[nodiscard]] bool equal(const core::Json& a, const core::Json& b);

/// The constants of a document with a size and overrides applied.
[[nodiscard]] core::Json layered_constants(const core::Json& root, const std::string& size,
                                           const core::Json& overrides);

/// The constants of a document with a size and overrides applied, each evaluated; those that cannot be are
/// left out (the document's own reader reports them).
[[nodiscard]] core::Json evaluated_constants(const core::Json& root, const std::string& size,
                                             const core::Json& overrides);

}  // namespace isorbit::experiments
