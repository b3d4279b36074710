// The least time of several, which is what the machine can do.
#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

namespace isorbit::bench {

/// Milliseconds of the fastest of `times` calls.
inline double best_ms(int times, const std::function<void()>& body) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best * 1e3;
}

}  // namespace isorbit::bench
