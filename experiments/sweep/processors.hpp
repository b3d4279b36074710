// The processors this process may run on, and threads bound to some of them.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace isorbit::experiments {

struct Processors {
  std::vector<int> ids;   // one of every physical core first, then their siblings
  std::size_t cores = 0;  // physical ones among them
};

/// What the system allows this process (taskset, a batch system's share of a machine), at least one.
[[nodiscard]] Processors processors();

/// Binds the calling thread, and those it starts, to these processors. Where the system refuses they run
/// where they may: binding changes no result.
void run_on(std::span<const int> processors);

}  // namespace isorbit::experiments
