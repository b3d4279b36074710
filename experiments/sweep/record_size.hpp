// Bytes of a cell's record, from how many rows it has of what.
#pragma once
#include "experiments/sweep/unit_costs.hpp"

namespace isorbit::experiments {

struct RecordSize {
  double file = 0;            // run.h5
  double journal = 0;         // what it is made from, and stays
  double rows_in_memory = 0;  // while it is sealed
};

[[nodiscard]] RecordSize record_size(const Cell& cell, const UnitCounts& counts);

}  // namespace isorbit::experiments
