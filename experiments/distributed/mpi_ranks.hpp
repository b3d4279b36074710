// Ranks over MPI. The only place that sees it is mpi_ranks.cpp.
#pragma once
#include <memory>

#include "experiments/distributed/communicator.hpp"

namespace isorbit::experiments {

/// Whether this build knows MPI.
[[nodiscard]] bool has_mpi();

/// Starts MPI, and ends it when the result is destroyed. Nothing in a build without MPI. Throws
/// std::runtime_error where MPI cannot be used from a second thread.
[[nodiscard]] std::unique_ptr<Communicator> mpi_ranks();

}  // namespace isorbit::experiments
