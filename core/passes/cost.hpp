// What one node costs, from its shapes alone.
#pragma once
#include "core/graph/op.hpp"

namespace isorbit::core {

struct NodeCost {
  double flops = 0;  // the card's count; one per output element where it gives none; 0 for a view
  double bytes = 0;  // read and written
};

[[nodiscard]] NodeCost node_cost(const Graph& graph, const Node& node);

/// The matrix products the node's kernel makes.
[[nodiscard]] std::vector<MatrixProduct> node_products(const Graph& graph, const Node& node);

/// Seconds one thread of a nominal machine spends on the graph: for choosing between graphs that compute the
/// same. From shapes and types alone, so that the same graphs are always ranked alike.
[[nodiscard]] double estimated_seconds(const Graph& graph);

}  // namespace isorbit::core
