// The command line under mpirun: every rank starts with it, rank 0 acts on it.
#pragma once
#include <memory>
#include <span>

#include "experiments/distributed/communicator.hpp"
#include "experiments/program/command_line.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// The ranks this process is one of. Those after rank 0 are at work in here until rank 0 is done, and print
/// nothing; then there is none. Throws UsageError where this build cannot have ranks.
[[nodiscard]] std::unique_ptr<Communicator> ranks_to_lead();

/// Throws UsageError for a cell whose training.ranks is another number.
void check_ranks(std::span<const Cell> cells, const Communicator& ranks);

}  // namespace isorbit::experiments
