// Replaces nodes whose card is an expansion by the nodes the card writes them with. What these are again
// expansions of, the builder rewrites as they are added.
#include <stdexcept>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

template <class Wanted>
Graph rewritten(const Graph& graph, const OpSet& ops, const Wanted& wanted) {
  Graph out;
  ValueMap map = copy_sources(graph, out);
  Builder builder(out, ops);
  for (const Node& node : graph.nodes) {
    if (!wanted(*node.op)) {
      copy_node(graph, node, out, map);
      continue;
    }
    builder.origin(node.name, node.pointer);
    const std::size_t first = out.nodes.size();
    const std::vector<ValueId> made = node.op->expand(builder, carried(node, map));
    if (made.size() != node.outputs.size())
      throw std::logic_error("the expansion of \"" + node.op->name + "\" has " + std::to_string(made.size()) +
                             " outputs; its shape rule says " + std::to_string(node.outputs.size()));
    for (std::size_t port = 0; port < made.size(); ++port) {
      const TensorType &type = out.value(made[port]).type, &promised = graph.value(node.outputs[port]).type;
      if (type != promised)
        throw std::logic_error("the expansion of \"" + node.op->name + "\" gives " + type.text() +
                               "; its shape rule says " + promised.text());
      map[static_cast<std::size_t>(node.outputs[port])] = made[port];
    }
    for (std::size_t n = first; n < out.nodes.size(); ++n) out.nodes[n].backward = node.backward;
  }
  copy_outputs(graph, out, map);
  return out;
}

}  // namespace

Graph expand(const Graph& graph, const OpSet& ops) {
  return rewritten(graph, ops, [](const OpCard& card) { return card.expand && !card.grad; });
}

Graph expand_all(const Graph& graph, const OpSet& ops) {
  return rewritten(graph, ops, [](const OpCard& card) { return static_cast<bool>(card.expand); });
}

}  // namespace isorbit::core
