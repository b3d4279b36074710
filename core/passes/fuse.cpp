// Lets cards stand for groups of nodes (OpCard::fuse). A group is replaced where every value it makes is read
// inside it only or is an output of the new node, and where no path leaves the group and comes back. Cards
// are asked in the order of their names for every node that is their root, and all of them again as long as
// that makes the graph smaller: one group may stand in the way of another.
#include <algorithm>
#include <list>
#include <stdexcept>

#include "core/passes/copy_node.hpp"
#include "core/passes/cost.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

bool contains(const std::vector<std::int32_t>& list, std::int32_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

/// Nobody outside needs what the group keeps to itself.
bool is_closed(const Uses& uses, const Fusion& fusion) {
  for (const NodeId id : fusion.replaced) {
    for (const ValueId value : uses.node(id).outputs) {
      if (contains(fusion.outputs, value)) continue;
      if (uses.is_output(value)) return false;
      for (const NodeId user : uses.users(value))
        if (!contains(fusion.replaced, user)) return false;
    }
  }
  return true;
}

/// The nodes in an order in which every node comes after those it reads, else as near the old one as may be.
Graph sorted(const Graph& graph) {
  Graph out;
  ValueMap map = copy_sources(graph, out);
  std::vector<bool> done(graph.nodes.size(), false);
  const auto ready = [&](const Node& node) {
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId id) { return id == kNone || map[index(id)] != kNone; });
  };
  std::vector<std::size_t> waiting;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    waiting.push_back(n);
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t& w : waiting) {
        if (done[w] || !ready(graph.nodes[w])) continue;
        copy_node(graph, graph.nodes[w], out, map);
        done[w] = moved = true;
      }
      std::erase_if(waiting, [&](std::size_t w) { return done[w]; });
    }
  }
  if (!waiting.empty())
    throw std::logic_error("fusing made a cycle through \"" + graph.nodes[waiting[0]].name + "\"");
  copy_outputs(graph, out, map);
  return out;
}

/// No path leaves the group and comes back, with `groups` taken as single nodes: one node can do it all at
/// once. groups[n]: what node n is fused into already, else null.
bool is_convex(const Uses& uses, const Fusion& fusion, const std::vector<const Fusion*>& groups) {
  std::vector<NodeId> open;
  std::vector<bool> seen(groups.size(), false);
  const auto enter = [&](NodeId node) {
    if (seen[index(node)]) return;
    seen[index(node)] = true;
    open.push_back(node);
  };
  const auto leave = [&](NodeId from, bool from_group) {
    for (const ValueId value : uses.node(from).outputs) {
      for (const NodeId user : uses.users(value)) {
        if (contains(fusion.replaced, user)) {
          if (!from_group) return false;
        } else if (const Fusion* other = groups[index(user)]) {
          for (const NodeId member : other->replaced) enter(member);
        } else {
          enter(user);
        }
      }
    }
    return true;
  };
  for (const NodeId id : fusion.replaced) (void)leave(id, true);
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (!leave(id, false)) return false;
  }
  return true;
}

/// The forward pass's share of the flops of these nodes.
double forward_share(const Graph& graph, const std::vector<NodeId>& nodes) {
  double forward = 0, all = 0;
  for (const NodeId id : nodes) {
    const Node& node = graph.nodes[index(id)];
    const double flops = node_cost(graph, node).flops;
    forward += (node.backward ? node.forward_share : 1) * flops;
    all += flops;
  }
  return all > 0 ? forward / all : 0;
}

/// Appends the outputs of the new node to the graph where they stand for no old value.
Node fused_node(Graph& graph, const OpCard& card, const Fusion& fusion, std::size_t first) {
  Node node;
  node.op = &card;
  node.attributes = fusion.attributes;
  node.inputs = fusion.inputs;
  node.name = graph.nodes[first].name;
  node.pointer = graph.nodes[first].pointer;
  for (const NodeId id : fusion.replaced) node.backward = node.backward || graph.nodes[index(id)].backward;
  if (node.backward) node.forward_share = forward_share(graph, fusion.replaced);
  const std::vector<TensorType> types = infer_types(graph, node);
  for (std::size_t i = 0; i < types.size(); ++i) {
    const ValueId old = i < fusion.outputs.size() ? fusion.outputs[i] : kNone;
    if (old == kNone) {
      node.outputs.push_back(static_cast<ValueId>(graph.values.size()));
      graph.values.push_back({node.name + ":" + std::to_string(i), types[i], Role::computed, kNone});
    } else if (graph.value(old).type != types[i]) {
      throw std::logic_error("\"" + card.name + "\" would give " + types[i].text() + " where \"" +
                             graph.value(old).name + "\" is " + graph.value(old).type.text());
    } else {
      node.outputs.push_back(old);
    }
  }
  return node;
}

/// Everything this card finds, none of it overlapping.
std::list<Fusion> found(const Graph& graph, const OpCard& card) {
  const Uses uses(graph);
  std::list<Fusion> fusions;
  std::vector<const Fusion*> groups(graph.nodes.size(), nullptr);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op->name != card.fuse_root || groups[n] != nullptr) continue;
    std::optional<Fusion> fusion = card.fuse(uses, static_cast<NodeId>(n));
    if (!fusion || std::any_of(fusion->replaced.begin(), fusion->replaced.end(),
                               [&](NodeId id) { return groups[index(id)] != nullptr; }))
      continue;
    if (!is_closed(uses, *fusion) || !is_convex(uses, *fusion, groups)) continue;
    fusions.push_back(std::move(*fusion));
    for (const NodeId id : fusions.back().replaced) groups[index(id)] = &fusions.back();
  }
  return fusions;
}

Graph fuse(const Graph& graph, const OpCard& card, const std::list<Fusion>& fusions) {
  Graph out = graph;
  std::vector<const Fusion*> starts(graph.nodes.size(), nullptr);
  std::vector<bool> replaced(graph.nodes.size(), false);
  for (const Fusion& fusion : fusions) {
    starts[index(*std::min_element(fusion.replaced.begin(), fusion.replaced.end()))] = &fusion;
    for (const NodeId id : fusion.replaced) replaced[index(id)] = true;
  }
  std::vector<Node> nodes;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (starts[n] != nullptr) nodes.push_back(fused_node(out, card, *starts[n], n));
    if (!replaced[n]) nodes.push_back(graph.nodes[n]);
  }
  out.nodes = std::move(nodes);
  return sorted(out);
}

}  // namespace

Graph fuse(const Graph& graph, const OpSet& ops) {
  Graph out = graph;
  for (std::size_t before = out.nodes.size() + 1; out.nodes.size() < before;) {
    before = out.nodes.size();
    for (const auto& [name, card] : ops.cards()) {
      if (!card.fuse) continue;
      const std::list<Fusion> fusions = found(out, card);
      if (!fusions.empty()) out = fuse(out, card, fusions);
    }
  }
  return out;
}

}  // namespace isorbit::core
