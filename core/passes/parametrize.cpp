// Rewrites the use of weights: where a node read W it now reads realize(base, coordinates), an ordinary part
// of the graph, so that the gradient of the coordinates comes from the same pass as every other gradient. A
// linear layer y = x W^T + b may instead be rewritten whole, where it is the only reader of its weight.
#include <algorithm>
#include <set>
#include <stdexcept>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

constexpr std::size_t kWeightSlot = 1, kBiasSlot = 2;  // of a node of Duty::linear

/// Calls a rewrite and checks that what it gives is of the type it stands for.
template <class Build>
ValueId rewritten(Builder& builder, const std::string& name, const std::string& pointer,
                  const TensorType& expected, const Build& build) {
  builder.origin(name, pointer);
  const ValueId id = build();
  if (id < 0 || index(id) >= builder.graph().values.size())
    throw std::logic_error("the rewrite of \"" + name + "\" gave no value");
  const TensorType& made = builder.graph().value(id).type;
  if (made != expected)
    throw std::logic_error("the rewrite of \"" + name + "\" gave " + made.text() + "; expected " +
                           expected.text());
  return id;
}

void refuse_unknown(const Graph& graph, const std::map<std::string, Realize>& realizations) {
  std::vector<std::string> names;
  for (const Parameter& p : graph.parameters) names.push_back(graph.value(p.value).name);
  const std::set<std::string> known(names.begin(), names.end());
  for (const auto& [name, realize] : realizations) {
    if (known.contains(name)) continue;
    const auto near = nearest(name, names);
    throw std::invalid_argument("no parameter is called \"" + name + "\" and so none can be rewritten" +
                                (near ? "; did you mean " + *near + "?" : ""));
  }
}

/// A parameter whose only use is rewritten.
struct Layer {
  const Parameter* parameter;
  const Realize* realize;
};

}  // namespace

const Node* only_linear_use(const Graph& graph, const Parameter& parameter) {
  const Node* use = nullptr;
  for (const Node& node : graph.nodes) {
    const auto reads = std::count(node.inputs.begin(), node.inputs.end(), parameter.value);
    if (reads == 0) continue;
    if (use != nullptr || reads > 1 || node.op->duty != Duty::linear ||
        node.inputs[kWeightSlot] != parameter.value)
      return nullptr;
    use = &node;
  }
  const bool shown = std::any_of(graph.outputs.begin(), graph.outputs.end(),
                                 [&](const GraphOutput& o) { return o.value == parameter.value; });
  return shown ? nullptr : use;
}

Graph parametrize(const Graph& graph, const OpSet& ops, const std::map<std::string, Realize>& realizations) {
  refuse_unknown(graph, realizations);
  Graph out;
  ValueMap map = copy_inputs(graph, out);
  Builder builder(out, ops);
  std::map<const Node*, Layer> layers;
  for (const Parameter& p : graph.parameters) {
    const Value& value = graph.value(p.value);
    const auto found = realizations.find(value.name);
    if (found == realizations.end()) {
      map[index(p.value)] = out.add_parameter(value.name, value.type, p.trainable, p.init, p.pointer);
      continue;
    }
    const Node* use = found->second.linear ? only_linear_use(graph, p) : nullptr;
    if (use != nullptr) {
      layers[use] = {&p, &found->second};
    } else {
      map[index(p.value)] = rewritten(builder, value.name, p.pointer, value.type,
                                      [&] { return found->second.weight(builder, p, value); });
    }
  }
  for (const Node& node : graph.nodes) {
    const auto found = layers.find(&node);
    if (found == layers.end()) {
      copy_node(graph, node, out, map);
      continue;
    }
    const auto& [parameter, realize] = found->second;
    const Value& value = graph.value(parameter->value);
    const Node carried_node = carried(node, map);
    const ValueId bias = kBiasSlot < node.inputs.size() ? carried_node.inputs[kBiasSlot] : kNone;
    map[index(node.outputs[0])] =
        rewritten(builder, value.name, parameter->pointer, graph.value(node.outputs[0]).type,
                  [&, &parameter = parameter, &realize = realize] {
                    return realize->linear(builder, *parameter, value, carried_node.inputs[0], bias);
                  });
  }
  copy_outputs(graph, out, map);
  return out;
}

}  // namespace isorbit::core
