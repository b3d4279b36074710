#include "experiments/distributed/communicator.hpp"

#include <algorithm>

namespace isorbit::experiments {

void SingleRank::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  std::ranges::copy(mine, all.begin());
}

}  // namespace isorbit::experiments
