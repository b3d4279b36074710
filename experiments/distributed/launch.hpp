// The ranks that an MPI launcher (mpirun) has started this process as one of.
#pragma once
#include <memory>
#include <stdexcept>

#include "experiments/distributed/communicator.hpp"

namespace isorbit::experiments {

/// Ranks cannot be had here; the text says what to do.
struct NoRanks : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How many of them there are, by the launcher's environment (OMPI_COMM_WORLD_SIZE); 1 without one.
[[nodiscard]] int launched_ranks();

/// Joins the others: at most once in a process, whose last ranks they are. Where there are none, a
/// SingleRank. Throws NoRanks where there are others and this build knows no MPI.
[[nodiscard]] std::unique_ptr<Communicator> join_ranks();

}  // namespace isorbit::experiments
