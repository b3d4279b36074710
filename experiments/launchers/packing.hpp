// Cells into the tasks of an array job: as even as their costs allow, and a cell with the one it starts from.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

using CostOf = std::function<double(const Cell&)>;

/// At most `most` tasks (at least one), the dearest first, none empty. Cells that hang together by what they
/// start from stay together, sources first: a task never waits for another. Cells complete already are not
/// among `cells`, so what starts from them is free.
[[nodiscard]] std::vector<std::vector<const Cell*>> pack(std::span<const Cell* const> cells,
                                                         const CostOf& cost, std::size_t most);

}  // namespace isorbit::experiments
