#include "core/passes/summary.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

#include "core/passes/cost.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

/// Which nodes an output that is not a gradient needs.
std::vector<bool> forward_nodes(const Graph& graph) {
  std::vector<bool> forward(graph.nodes.size(), false), needed(graph.values.size(), false);
  for (const GraphOutput& output : graph.outputs)
    if (!output.name.starts_with("gradient/")) needed[index(output.value)] = true;
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    forward[n] =
        std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return needed[index(id)]; });
    if (!forward[n]) continue;
    for (const ValueId id : node.inputs)
      if (id != kNone) needed[index(id)] = true;
  }
  return forward;
}

/// Lifetimes of the computed values, a view's being its source's; the outputs live to the end.
std::size_t live_bytes(const Graph& graph) {
  std::vector<ValueId> storage(graph.values.size());
  for (std::size_t v = 0; v < storage.size(); ++v) storage[v] = static_cast<ValueId>(v);
  std::vector<Lifetime> lives(graph.values.size(), {-1, -1, 0});
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const auto step = static_cast<std::int64_t>(n);
    for (const ValueId id : node.inputs)
      if (id != kNone) lives[index(storage[index(id)])].last = step;
    if (node.op->view) {
      storage[index(node.outputs[0])] = storage[index(node.inputs[0])];
      continue;
    }
    for (const ValueId id : node.outputs) lives[index(id)] = {step, step, graph.value(id).type.bytes()};
  }
  for (const GraphOutput& output : graph.outputs)
    lives[index(storage[index(output.value)])].last = static_cast<std::int64_t>(graph.nodes.size());
  std::erase_if(lives, [](const Lifetime& life) { return life.first < 0; });
  return lower_bound(lives);
}

/// 1234567 as "1.23 M"; below a thousand as it is.
std::string scaled(double amount, const char* unit) {
  static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};
  std::size_t power = 0;
  while (amount >= 1000 && power + 1 < std::size(kPrefixes)) amount /= 1000, ++power;
  char text[48];
  std::snprintf(text, sizeof text, power == 0 ? "%.0f" : "%.3g", amount);
  const std::string tail = std::string(kPrefixes[power]) + unit;
  return tail.empty() ? std::string(text) : text + (" " + tail);
}

std::string row(const std::string& name, const std::string& a, const std::string& b, const std::string& c) {
  char text[160];
  std::snprintf(text, sizeof text, "%-28s %10s %12s %12s\n", name.c_str(), a.c_str(), b.c_str(), c.c_str());
  return text;
}

std::string fact(const char* name, const std::string& value) {
  char text[96];
  std::snprintf(text, sizeof text, "%-28s %s\n", name, value.c_str());
  return text;
}

}  // namespace

Summary summarize(const Graph& graph, std::optional<std::size_t> arena_bytes) {
  Summary summary;
  summary.arena_bytes = arena_bytes;
  summary.live_bytes = live_bytes(graph);
  summary.nodes = static_cast<std::int64_t>(graph.nodes.size());
  for (const Parameter& p : graph.parameters) {
    const std::int64_t elements = graph.shape(p.value).elements();
    summary.parameters += elements;
    summary.trainable_parameters += p.trainable ? elements : 0;
    summary.parameter_bytes += static_cast<double>(graph.value(p.value).type.bytes());
  }
  const std::vector<bool> forward = forward_nodes(graph);
  std::map<std::string, OpCost> costs;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const auto [flops, bytes] = node_cost(graph, node);
    summary.flops += flops;
    summary.bytes += bytes;
    if (forward[n]) summary.forward_flops += flops;
    OpCost& cost = costs[node.op->name];
    cost.op = node.op->name;
    ++cost.nodes;
    cost.flops += flops;
    cost.bytes += bytes;
  }
  for (auto& [name, cost] : costs) summary.ops.push_back(std::move(cost));
  std::stable_sort(summary.ops.begin(), summary.ops.end(),
                   [](const OpCost& a, const OpCost& b) { return a.flops > b.flops; });
  return summary;
}

std::string summary_text(const Summary& summary) {
  std::string text;
  text += fact("parameters", scaled(static_cast<double>(summary.parameters), ""));
  text += fact("trainable parameters", scaled(static_cast<double>(summary.trainable_parameters), ""));
  text += fact("parameter memory", scaled(summary.parameter_bytes, "B"));
  text += fact("nodes", std::to_string(summary.nodes));
  text += fact("forward", scaled(summary.forward_flops, "flop"));
  text += fact("total", scaled(summary.flops, "flop"));
  text += fact("memory traffic", scaled(summary.bytes, "B"));
  text += fact("live at most", scaled(static_cast<double>(summary.live_bytes), "B"));
  if (summary.arena_bytes) text += fact("arena", scaled(static_cast<double>(*summary.arena_bytes), "B"));
  text += "\n" + row("op", "nodes", "flop", "bytes");
  for (const OpCost& cost : summary.ops)
    text += row(cost.op, std::to_string(cost.nodes), scaled(cost.flops, ""), scaled(cost.bytes, "B"));
  return text;
}

}  // namespace isorbit::core
