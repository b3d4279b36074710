// Dead code and common subexpressions: a node stays when an output needs it and no earlier node has the same
// op, attributes and inputs. Inputs and parameters all stay: they belong to whoever feeds and keeps them.
#include <unordered_map>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

/// Which nodes an output needs.
std::vector<bool> live_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.values.size(), false), live(graph.nodes.size(), false);
  for (const GraphOutput& output : graph.outputs) needed[index(output.value)] = true;
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    for (const ValueId id : graph.nodes[n].outputs) live[n] = live[n] || needed[index(id)];
    if (!live[n]) continue;
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNone) needed[index(id)] = true;
    }
  }
  return live;
}

/// Two nodes with the same text compute the same.
std::string identity(const Node& node) {
  std::string text = node.op->name + node.attributes.dump();
  for (const ValueId id : node.inputs) text += ' ' + std::to_string(id);
  return text;
}

}  // namespace

Graph simplify(const Graph& graph) {
  const std::vector<bool> live = live_nodes(graph);
  Graph out;
  ValueMap map = copy_sources(graph, out);
  std::unordered_map<std::string, std::size_t> first;  // identity -> node of `out`
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!live[n]) continue;
    const Node& node = graph.nodes[n];
    const auto [found, fresh] = first.emplace(identity(carried(node, map)), out.nodes.size());
    if (fresh) {
      copy_node(graph, node, out, map);
      continue;
    }
    const Node& same = out.nodes[found->second];
    for (std::size_t port = 0; port < node.outputs.size(); ++port)
      map[index(node.outputs[port])] = same.outputs[port];
  }
  copy_outputs(graph, out, map);
  return out;
}

}  // namespace isorbit::core
