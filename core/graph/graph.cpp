#include "core/graph/graph.hpp"

namespace isorbit::core {

ValueId Graph::add_input(std::string name, TensorType type) {
  const auto id = static_cast<ValueId>(values.size());
  values.push_back({std::move(name), std::move(type), Role::input, kNone});
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_parameter(std::string name, TensorType type, bool trainable, Json init,
                             std::string pointer) {
  const auto id = static_cast<ValueId>(values.size());
  values.push_back({std::move(name), std::move(type), Role::parameter, kNone});
  parameters.push_back({id, trainable, std::move(init), std::move(pointer)});
  return id;
}

NodeId Graph::add_node(Node node, const std::vector<TensorType>& types) {
  const auto id = static_cast<NodeId>(nodes.size());
  node.outputs.clear();
  for (std::size_t port = 0; port < types.size(); ++port) {
    node.outputs.push_back(static_cast<ValueId>(values.size()));
    values.push_back(
        {port == 0 ? node.name : node.name + ":" + std::to_string(port), types[port], Role::computed, id});
  }
  nodes.push_back(std::move(node));
  return id;
}

const Parameter* Graph::parameter(std::string_view name) const {
  for (const Parameter& p : parameters) {
    if (value(p.value).name == name) return &p;
  }
  return nullptr;
}

const Parameter* Graph::parameter(ValueId id) const {
  for (const Parameter& p : parameters) {
    if (p.value == id) return &p;
  }
  return nullptr;
}

std::optional<ValueId> Graph::output(std::string_view name) const {
  for (const GraphOutput& o : outputs) {
    if (o.name == name) return o.value;
  }
  return std::nullopt;
}

}  // namespace isorbit::core
