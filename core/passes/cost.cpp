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

namespace {

// A server core of 2020 to 2024. Only the ratios matter, and these have moved little.
constexpr double kFlopsPerSecond = 1e11;          // f32 products
constexpr double kNarrowFlopsPerSecond = 1.8e11;  // products that read bf16
constexpr double kBytesPerSecond = 1e10;
constexpr double kSecondsPerNode = 3e-6;

bool reads_bf16(const Graph& graph, const Node& node) {
  for (const std::size_t slot : node.op->narrow.operands)
    if (slot < node.inputs.size() && node.inputs[slot] != kNone &&
        graph.value(node.inputs[slot]).type.dtype == DType::bf16)
      return true;
  return false;
}

}  // namespace

double estimated_seconds(const Graph& graph) {
  double seconds = 0;
  for (const Node& node : graph.nodes) {
    if (node.op->view) continue;
    const NodeCost cost = node_cost(graph, node);
    seconds += cost.flops / (reads_bf16(graph, node) ? kNarrowFlopsPerSecond : kFlopsPerSecond) +
               cost.bytes / kBytesPerSecond + kSecondsPerNode;
  }
  return seconds;
}

}  // namespace isorbit::core
