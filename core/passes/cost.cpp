#include "core/passes/cost.hpp"

namespace isorbit::core {

NodeCost node_cost(const Graph& graph, const Node& node) {
  NodeCost cost;
  if (node.op->view) return cost;
  std::vector<const TensorType*> in;
  for (const ValueId id : node.inputs) {
    in.push_back(id == kNone ? nullptr : &graph.value(id).type);
    if (id != kNone) cost.bytes += static_cast<double>(graph.value(id).type.bytes());
  }
  for (const ValueId id : node.outputs) {
    cost.bytes += static_cast<double>(graph.value(id).type.bytes());
    cost.flops += static_cast<double>(graph.shape(id).elements());
  }
  if (node.op->flops) cost.flops = node.op->flops(Infer(in, node.attributes));
  return cost;
}

}  // namespace isorbit::core
