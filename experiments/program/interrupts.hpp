// SIGINT and SIGTERM as a count that a run can look at: one asks it to save its state and stop, two to stop
// at once.
#pragma once
#include <atomic>
#include <csignal>

namespace isorbit::experiments {

/// Counts the two signals while it lives; a third one kills. One at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  [[nodiscard]] const std::atomic<int>& count() const;

 private:
  struct sigaction before_int_ = {}, before_term_ = {};
};

}  // namespace isorbit::experiments
