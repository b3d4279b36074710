// The signals that end a run, as a count it can look at: one asks it to save its state and stop, two to stop
// without.
#pragma once
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>

namespace isorbit::experiments {

/// While it lives, SIGINT, SIGTERM and SIGUSR1 count, and a lost terminal (SIGHUP) asks for the first stop;
/// after the second a third kills. What comes within a tenth of a second of the last one is its echo: process
/// groups and wrappers send one twice. Signals that were ignored before (nohup, background jobs of a shell)
/// stay so. A reader of the output that is gone (SIGPIPE) and a file over its allowed size (SIGXFSZ) become
/// errors of the write. One at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  [[nodiscard]] const std::atomic<int>& count() const;

 private:
  static constexpr std::size_t kSignals = 6;
  std::array<struct sigaction, kSignals> before_ = {};
};

}  // namespace isorbit::experiments
