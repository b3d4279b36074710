// A run that stops by itself before somebody stops it: when it must be over, and how long what it does takes.
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace isorbit::experiments {

class TimeLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// Over `seconds` after `start`.
  explicit TimeLimit(double seconds, Clock::time_point start = Clock::now())
      : seconds_(seconds), start_(start) {}

  [[nodiscard]] double seconds_left() const {
    return seconds_ - std::chrono::duration<double>(Clock::now() - start_).count();
  }
  /// Whether work that should take so many seconds ends in time, with a fifth and half a second to spare.
  [[nodiscard]] bool fits(double seconds) const { return 1.2 * seconds + 0.5 <= seconds_left(); }

 private:
  double seconds_;
  Clock::time_point start_;
};

/// The longest that each kind of work has taken so far, seconds.
class Pace {
 public:
  enum Work : std::size_t { step, validation_batch, measurement, checkpoint, kinds };

  void took(Work work, double seconds) { longest_[work] = std::max(longest_[work], seconds); }
  /// 0: there was none yet.
  [[nodiscard]] double longest(Work work) const { return longest_[work]; }

 private:
  std::array<double, kinds> longest_ = {};
};

}  // namespace isorbit::experiments
