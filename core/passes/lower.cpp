// Gives every node its kernel: the card's lowering, asked with the node's types.
#include "core/passes/passes.hpp"

namespace isorbit::core {

LoweredGraph lower(Graph graph, Engine& engine) {
  LoweredGraph lowered{std::move(graph), {}, {}};
  lowered.layouts.resize(lowered.graph.values.size());
  for (const Node& node : lowered.graph.nodes) {
    std::vector<const TensorType*> in;
    for (const ValueId id : node.inputs) in.push_back(id == kNone ? nullptr : &lowered.graph.value(id).type);
    std::vector<TensorType> out;
    for (const ValueId id : node.outputs) out.push_back(lowered.graph.value(id).type);
    if (node.op->view) {
      lowered.kernels.push_back({"view", 0, {}, {}});
      continue;
    }
    lowered.kernels.push_back(node.op->lower(Lower(in, out, node.attributes, engine)));
  }
  return lowered;
}

}  // namespace isorbit::core
