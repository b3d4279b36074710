#include "experiments/distributed/launch.hpp"

#include <cstdlib>
#include <string>

#include "experiments/distributed/mpi_ranks.hpp"

namespace isorbit::experiments {

int launched_ranks() {
  const char* const given = std::getenv("OMPI_COMM_WORLD_SIZE");
  const long size = given == nullptr ? 1 : std::strtol(given, nullptr, 10);
  return size > 1 ? static_cast<int>(size) : 1;
}

std::unique_ptr<Communicator> join_ranks() {
  if (launched_ranks() == 1) return std::make_unique<SingleRank>();
  if (std::unique_ptr<Communicator> ranks = mpi_ranks()) return ranks;
  throw NoRanks("found " + std::to_string(launched_ranks()) +
                " ranks (OMPI_COMM_WORLD_SIZE); this build knows no MPI: run third_party/install.sh --mpi, "
                "configure and build again, or start isorbit without mpirun");
}

}  // namespace isorbit::experiments
