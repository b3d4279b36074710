// What one node costs, from its shapes alone.
#pragma once
#include "core/graph/op.hpp"

namespace isorbit::core {

struct NodeCost {
  double flops = 0;  // the card's count; one per output element where it gives none; 0 for a view
  double bytes = 0;  // read and written
};

[[nodiscard]] NodeCost node_cost(const Graph& graph, const Node& node);

}  // namespace isorbit::core
