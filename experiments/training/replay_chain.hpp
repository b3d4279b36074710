// A chain over the steps of a run, by which the run can be computed again and compared to the last bit:
//
//   link(0) = h(0, 0, NaN, digests)          after initialization, given weights and the events of step 0
//   link(k) = h(link(k - 1), k, loss(k), digests)               after update k and the events of step k
//
// h is the checksum of tensor_digests.hpp over 8 little-endian bytes of each; loss(k) is the bits of the
// training loss, NaN those of the quiet NaN; digests are those of every stored tensor: weights, or bases and
// coordinates, as they are stored. Moments are left out: reading them would triple the cost, and one that
// differs moves its tensor at the next update, so that the chain has it a step later, in that tensor.
//
// A link tells that something differs, and at which step first. For what differs, the low 16 bits of every
// digest are kept each step: a difference spreads to all tensors within a step, so that rows kept at a
// sparser cadence would name none.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/runtime/tensor_digests.hpp"
#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

/// Of one step.
struct ReplayLink {
  std::int64_t step = 0;
  double loss = 0;      // of the step's batch; NaN at step 0
  std::string link;     // 16 hexadecimal digits
  std::string digests;  // kDigits of every tensor, in the order of ReplayChain::tensors()
};

class ReplayChain {
 public:
  static constexpr std::size_t kDigits = 4;  // hexadecimal, of the low bits of a digest

  /// Of a learner that outlives the chain.
  explicit ReplayChain(Learner& learner);

  /// Names of the tensors: weights in the model's order, each before its coordinates.
  [[nodiscard]] const std::vector<std::string>& tensors() const { return names_; }
  /// The link of the learner's state after `step` finished updates.
  [[nodiscard]] ReplayLink next(std::int64_t step, double loss);
  /// Goes on after a link that was kept. Throws std::invalid_argument where it is none.
  void resume(const std::string& link);

 private:
  std::vector<std::string> names_;
  core::TensorDigests digests_;
  std::uint64_t last_ = 0;
};

}  // namespace isorbit::experiments
