// What one rank sees of batches that ranks share: an equal part of the rows of each, one after another, so
// that together they see what one process would.
#pragma once
#include <memory>

#include "experiments/data/batch_source.hpp"

namespace isorbit::experiments {

/// Rows rank B / ranks to (rank + 1) B / ranks of every batch of `whole`, whose inputs have B rows. Throws
/// std::invalid_argument where B is no multiple of `ranks`.
[[nodiscard]] std::shared_ptr<const BatchSource> rank_batches(std::shared_ptr<const BatchSource> whole,
                                                              int rank, int ranks);

}  // namespace isorbit::experiments
