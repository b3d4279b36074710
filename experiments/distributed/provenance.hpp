// What the record says of ranks: attributes of its /provenance.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "experiments/distributed/communicator.hpp"
#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

/// ranks; of several also all_reduce (library, algorithm, buckets), reduced_bytes (gradients an update
/// reduces) and dense_bytes (what the gradients of the same weights would be without coordinates).
[[nodiscard]] std::map<std::string, std::string> distributed_provenance(const Communicator& ranks,
                                                                        const Learner& learner);

/// "rank 1 has another layers.0.attn.q.weight", of digests (ReplayLink) by rank that are not all the same.
[[nodiscard]] std::string first_difference(const std::vector<std::string>& digests,
                                           const std::vector<std::string>& tensors);

}  // namespace isorbit::experiments
