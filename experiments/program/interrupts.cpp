#include "experiments/program/interrupts.hpp"

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace isorbit::experiments {
namespace {

constexpr std::array kCounted = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
constexpr std::array kIgnored = {SIGPIPE, SIGXFSZ};
constexpr std::int64_t kEcho = 100'000'000;  // ns

// A signal handler can only reach what is static.
std::atomic<int> asked = 0;
std::atomic<std::int64_t> last = 0;  // ns, of the signal that counted

void on_signal(int signal) {
  const int kept = errno;
  timespec time = {};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t now = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  int before = asked.load();
  const bool echo = before > 0 && (signal == SIGHUP || now - last.load() < kEcho);
  if (!echo) last = now;
  if (!echo && asked.compare_exchange_strong(before, before + 1) && before == 1) {
    struct sigaction kill = {};
    kill.sa_handler = SIG_DFL;
    for (const int counted : kCounted)
      if (counted != SIGHUP) ::sigaction(counted, &kill, nullptr);
  }
  errno = kept;
}

}  // namespace

Interrupts::Interrupts() {
  static_assert(kSignals == kCounted.size() + kIgnored.size());
  asked = 0;
  auto before = before_.begin();
  for (const int signal : kCounted) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, &*before);
    if (before->sa_handler == SIG_IGN) ::sigaction(signal, &*before, nullptr);
    ++before;
  }
  for (const int signal : kIgnored) {
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(signal, &ignore, &*before++);
  }
}

Interrupts::~Interrupts() {
  auto before = before_.begin();
  for (const int signal : kCounted) ::sigaction(signal, &*before++, nullptr);
  for (const int signal : kIgnored) ::sigaction(signal, &*before++, nullptr);
}

const std::atomic<int>& Interrupts::count() const { return asked; }

}  // namespace isorbit::experiments
