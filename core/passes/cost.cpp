#include "core/passes/cost.hpp"

namespace isorbit::core {

namespace {

std::vector<const TensorType*> input_types(const Graph& graph, const Node& node) {
  std::vector<const TensorType*> in;
  for (const ValueId id : node.inputs) in.push_back(id == kNone ? nullptr : &graph.value(id).type);
  return in;
}

}  // namespace

NodeCost node_cost(const Graph& graph, const Node& node) {
  NodeCost cost;
  if (node.op->view) return cost;
  for (const ValueId id : node.inputs)
    if (id != kNone) cost.bytes += static_cast<double>(graph.value(id).type.bytes());
  for (const ValueId id : node.outputs) {
    cost.bytes += static_cast<double>(graph.value(id).type.bytes());
    cost.flops += static_cast<double>(graph.shape(id).elements());
  }
  if (node.op->flops) {
    const std::vector<const TensorType*> in = input_types(graph, node);
    cost.flops = node.op->flops(Infer(in, node.attributes));
  }
  return cost;
}

std::vector<MatrixProduct> node_products(const Graph& graph, const Node& node) {
  if (!node.op->products) return {};
  const std::vector<const TensorType*> in = input_types(graph, node);
  std::vector<TensorType> out;
  for (const ValueId id : node.outputs) out.push_back(graph.value(id).type);
  return node.op->products(Infer(in, node.attributes), out);
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
