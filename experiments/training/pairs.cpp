#include "experiments/training/pairs.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "core/passes/name_glob.hpp"

namespace isorbit::experiments {

namespace {

using core::Graph;
using core::kNone;
using core::Node;
using core::ValueId;

std::vector<const Node*> matching(const Graph& graph, const std::string& glob) {
  std::vector<const Node*> nodes;
  for (const Node& node : graph.nodes) {
    if (core::matches(glob, node.name)) nodes.push_back(&node);
  }
  return nodes;
}

/// The first parameter input of rank 2 (the weight) or of rank 1 (the bias); empty when there is none.
std::string parameter_of(const Graph& graph, const Node& node, std::size_t rank) {
  for (const ValueId v : node.inputs) {
    if (v != kNone && graph.value(v).role == core::Role::parameter && graph.shape(v).rank() == rank)
      return graph.value(v).name;
  }
  return {};
}

bool reads_from(const Graph& graph, const Node& reader, const Node& source) {
  std::set<ValueId> reached(source.outputs.begin(), source.outputs.end());
  for (const Node& node : graph.nodes) {
    const bool reads =
        std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) { return reached.contains(v); });
    if (!reads) continue;
    if (&node == &reader) return true;
    reached.insert(node.outputs.begin(), node.outputs.end());
  }
  return false;
}

void refuse_shared(const Graph& graph, const std::string& weight, const std::string& pair) {
  const ValueId id = graph.parameter(weight)->value;
  const auto uses = std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) {
    return std::find(n.inputs.begin(), n.inputs.end(), id) != n.inputs.end();
  });
  if (uses > 1) {
    throw std::invalid_argument("pair \"" + pair + "\": \"" + weight + "\" is shared by " +
                                std::to_string(uses) + " nodes and cannot be scaled for one of them");
  }
}

}  // namespace

std::vector<EventScope::Pair> resolve_pair(const Graph& graph, const core::ScalingPair& pair) {
  const std::vector<const Node*> first = matching(graph, pair.first), second = matching(graph, pair.second);
  if (first.size() != second.size() || first.empty()) {
    throw std::invalid_argument("pair \"" + pair.name + "\": \"" + pair.first + "\" matches " +
                                std::to_string(first.size()) + " nodes and \"" + pair.second + "\" " +
                                std::to_string(second.size()));
  }
  std::vector<EventScope::Pair> resolved;
  for (std::size_t i = 0; i < first.size(); ++i) {
    EventScope::Pair p{
        pair.name, parameter_of(graph, *first[i], 2), parameter_of(graph, *second[i], 2), {}, {}};
    for (const auto& [weight, node] : {std::pair{p.first, first[i]}, std::pair{p.second, second[i]}}) {
      if (weight.empty())
        throw std::invalid_argument("pair \"" + pair.name + "\": \"" + node->name + "\" has no weight");
      refuse_shared(graph, weight, pair.name);
    }
    const std::string first_bias = parameter_of(graph, *first[i], 1),
                      second_bias = parameter_of(graph, *second[i], 1);
    if (!first_bias.empty()) p.with_first.push_back(first_bias);
    if (!second_bias.empty() && !reads_from(graph, *second[i], *first[i]))
      p.with_second.push_back(second_bias);
    resolved.push_back(std::move(p));
  }
  return resolved;
}

}  // namespace isorbit::experiments
