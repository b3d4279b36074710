#include "core/graph/op.hpp"

namespace isorbit::core {

Uses::Uses(const Graph& graph)
    : graph_(graph), users_(graph.values.size()), is_output_(graph.values.size(), false) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id == kNone) continue;
      std::vector<NodeId>& users = users_[index(id)];
      const auto node = static_cast<NodeId>(n);
      if (users.empty() || users.back() != node) users.push_back(node);
    }
  }
  for (const GraphOutput& output : graph.outputs) is_output_[static_cast<std::size_t>(output.value)] = true;
}

const Node* Uses::made_by(ValueId value, std::string_view op) const {
  if (value == kNone || producer(value) == kNone) return nullptr;
  const Node& made = node(producer(value));
  return made.op->name == op ? &made : nullptr;
}

}  // namespace isorbit::core
