// The mean of gradients over ranks, computed while the backward pass still runs: gradients lie one after
// another in the order in which it finishes them, cut into buckets of equal size, and a thread of its own
// reduces each bucket as soon as the last gradient in it is final. The buckets depend on the compiled
// program alone.
#pragma once
#include <atomic>
#include <cstddef>
#include <exception>
#include <span>
#include <thread>
#include <vector>

#include "experiments/distributed/communicator.hpp"

namespace isorbit::experiments {

class GradientReducer {
 public:
  static constexpr std::size_t kBucket = std::size_t{1} << 19;  // floats: 2 MB, which stay in cache

  struct Source {
    std::span<const float> gradient;
    std::size_t final_before = 0;  // the step of the backward pass, as core::final_before says it
  };

  /// The gradients and the ranks outlive it.
  GradientReducer(Communicator& ranks, std::vector<Source> gradients, std::size_t bucket = kBucket);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Where the means will be, in the order of the gradients; they stay there.
  [[nodiscard]] std::vector<std::span<const float>> values() const;

  /// The backward pass is about to run this step: what is final by now may be reduced. All ranks come to a
  /// pass together.
  void reached(std::size_t step);
  /// All gradients are final. Returns when the values are means, and what that took: seconds this thread
  /// was held up. Throws what the ranks threw.
  double finish();

  [[nodiscard]] std::size_t bytes() const { return means_.size() * sizeof(float); }
  [[nodiscard]] std::size_t buckets() const { return ready_.size(); }
  /// A checksum of sizes, order and cuts, which all ranks must share.
  [[nodiscard]] std::uint64_t layout() const;

 private:
  struct Piece {
    std::span<const float> gradient;
    std::size_t at = 0;  // in means_
  };
  void work();
  void reduce(std::size_t bucket);
  void release(std::size_t buckets);

  Communicator& ranks_;
  std::size_t bucket_;
  std::vector<Piece> pieces_;       // in the order they are finished
  std::vector<std::size_t> place_;  // of each gradient among the pieces
  std::vector<std::size_t> ready_;  // by bucket: final before this step
  std::vector<float> means_;
  std::exception_ptr error_;
  std::size_t open_ = 0;  // buckets released this time
  // Counted over all passes; a thread waits for the other's to change.
  std::atomic<std::size_t> released_ = 0, reduced_ = 0;
  std::atomic<bool> ends_ = false;
  std::size_t begun_ = 0;  // buckets of the passes before
  std::thread thread_;
};

}  // namespace isorbit::experiments
