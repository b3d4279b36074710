#include "experiments/distributed/provenance.hpp"

#include <set>

#include "experiments/training/replay_chain.hpp"

namespace isorbit::experiments {
namespace {

/// Of the weights that are trained, in whatever coordinates.
std::int64_t dense_bytes(const Learner& learner) {
  std::set<std::string> trained;
  for (const Trained& t : learner.trained()) trained.insert(t.weight);
  const core::Graph& graph = learner.model().graph;
  std::int64_t elements = 0;
  for (const std::string& weight : trained)
    elements += graph.shape(graph.parameter(weight)->value).elements();
  return elements * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace

std::map<std::string, std::string> distributed_provenance(const Communicator& ranks, const Learner& learner) {
  std::map<std::string, std::string> out = {{"ranks", std::to_string(ranks.size())}};
  if (!learner.reducer()) return out;
  out["all_reduce"] = ranks.all_reduce_text() + ", " + std::to_string(learner.reducer()->buckets()) +
                      " buckets of " + std::to_string(GradientReducer::kBucket * sizeof(float)) + " bytes";
  out["reduced_bytes"] = std::to_string(learner.reducer()->bytes());
  out["dense_bytes"] = std::to_string(dense_bytes(learner));
  return out;
}

std::string first_difference(const std::vector<std::string>& digests,
                             const std::vector<std::string>& tensors) {
  constexpr std::size_t kDigits = ReplayChain::kDigits;
  for (std::size_t t = 0; t < tensors.size(); ++t)
    for (std::size_t rank = 1; rank < digests.size(); ++rank)
      if (digests[rank].compare(t * kDigits, kDigits, digests[0], t * kDigits, kDigits) != 0)
        return "rank " + std::to_string(rank) + " has another " + tensors[t];
  return "in bits that digests do not keep";
}

}  // namespace isorbit::experiments
