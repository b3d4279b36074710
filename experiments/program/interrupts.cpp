#include "experiments/program/interrupts.hpp"

namespace isorbit::experiments {
namespace {

// A signal handler can only reach what is static.
std::atomic<int> asked = 0;

void on_signal(int signal) {
  if (asked.fetch_add(1) < 1) return;
  struct sigaction kill = {};
  kill.sa_handler = SIG_DFL;
  ::sigaction(signal, &kill, nullptr);
}

}  // namespace

Interrupts::Interrupts() {
  asked = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &before_int_);
  ::sigaction(SIGTERM, &action, &before_term_);
}

Interrupts::~Interrupts() {
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
}

const std::atomic<int>& Interrupts::count() const { return asked; }

}  // namespace isorbit::experiments
