// How ranks come to train a cell together: rank 0 goes through the sweep and sends each cell it begins to the
// others, which know no sweep and write no file.
#pragma once
#include "experiments/distributed/communicator.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

/// Rank 0's side. Its end is that of the others.
class Leader {
 public:
  explicit Leader(Communicator& ranks) : ranks_(ranks) {}
  ~Leader();
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  /// run_cell() of all ranks; the result of rank 0.
  [[nodiscard]] CellResult run(CellRequest request) const;

 private:
  Communicator& ranks_;
};

/// The side of the other ranks: runs what it is sent until the leader ends. How a cell ends is rank 0's to
/// say.
void follow(Communicator& ranks);

}  // namespace isorbit::experiments
