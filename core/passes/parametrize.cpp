// Rewrites the use of weights: where a node read W it now reads realize(base, coordinates), an ordinary part
// of the graph, so that the gradient of the coordinates comes from the same pass as every other gradient.
#include <set>
#include <stdexcept>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

ValueId realized(Builder& builder, const Parameter& parameter, const Value& value, const Realize& realize) {
  builder.origin(value.name, parameter.pointer);
  const ValueId id = realize(builder, parameter, value);
  if (id < 0 || static_cast<std::size_t>(id) >= builder.graph().values.size())
    throw std::logic_error("the rewrite of \"" + value.name + "\" gave no value");
  const TensorType& made = builder.graph().value(id).type;
  if (made != value.type)
    throw std::logic_error("the rewrite of \"" + value.name + "\" gave " + made.text() + "; expected " +
                           value.type.text());
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

}  // namespace

Graph parametrize(const Graph& graph, const OpSet& ops, const std::map<std::string, Realize>& realizations) {
  refuse_unknown(graph, realizations);
  Graph out;
  ValueMap map = copy_inputs(graph, out);
  Builder builder(out, ops);
  for (const Parameter& p : graph.parameters) {
    const Value& value = graph.value(p.value);
    const auto found = realizations.find(value.name);
    map[static_cast<std::size_t>(p.value)] =
        found == realizations.end()
            ? out.add_parameter(value.name, value.type, p.trainable, p.init, p.pointer)
            : realized(builder, p, value, found->second);
  }
  for (const Node& node : graph.nodes) copy_node(graph, node, out, map);
  copy_outputs(graph, out, map);
  return out;
}

}  // namespace isorbit::core
