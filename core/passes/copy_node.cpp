#include "core/passes/copy_node.hpp"

namespace isorbit::core {

namespace {
ValueId carried(ValueId id, const ValueMap& map) { return id == kNone ? kNone : map[index(id)]; }
}  // namespace

Node carried(const Node& node, const ValueMap& map) {
  Node copy = node;
  for (ValueId& id : copy.inputs) id = carried(id, map);
  copy.outputs.clear();
  return copy;
}

void copy_node(const Graph& from, const Node& node, Graph& to, ValueMap& map) {
  copy_node(from, node, carried(node, map).inputs, to, map);
}

void copy_node(const Graph& from, const Node& node, std::vector<ValueId> inputs, Graph& to, ValueMap& map) {
  std::vector<TensorType> types;
  for (const ValueId id : node.outputs) types.push_back(from.value(id).type);
  Node copy = node;
  copy.inputs = std::move(inputs);
  copy.outputs.clear();
  const std::size_t made = index(to.add_node(std::move(copy), types));
  for (std::size_t port = 0; port < node.outputs.size(); ++port) {
    const ValueId id = to.nodes[made].outputs[port];
    map[index(node.outputs[port])] = id;
    to.values[index(id)].name = from.value(node.outputs[port]).name;
  }
}

ValueMap copy_inputs(const Graph& from, Graph& to) {
  ValueMap map(from.values.size(), kNone);
  for (const ValueId id : from.inputs)
    map[index(id)] = to.add_input(from.value(id).name, from.value(id).type);
  return map;
}

ValueMap copy_sources(const Graph& from, Graph& to) {
  ValueMap map = copy_inputs(from, to);
  for (const Parameter& p : from.parameters) {
    const Value& value = from.value(p.value);
    map[index(p.value)] = to.add_parameter(value.name, value.type, p.trainable, p.init, p.pointer);
  }
  return map;
}

void copy_outputs(const Graph& from, Graph& to, const ValueMap& map) {
  for (const GraphOutput& output : from.outputs)
    to.outputs.push_back({output.name, carried(output.value, map)});
}

}  // namespace isorbit::core
