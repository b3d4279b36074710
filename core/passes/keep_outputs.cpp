// Keeps only some outputs, so that simplify() drops what the others needed: evaluation without gradients,
// say.
#include <stdexcept>

#include "core/passes/passes.hpp"

namespace isorbit::core {

Graph keep_outputs(Graph graph, std::span<const std::string> names) {
  std::vector<GraphOutput> kept;
  for (const std::string& name : names) {
    if (const std::optional<ValueId> value = graph.output(name)) {
      kept.push_back({name, *value});
      continue;
    }
    std::vector<std::string> known;
    for (const GraphOutput& output : graph.outputs) known.push_back(output.name);
    const auto near = nearest(name, known);
    throw std::invalid_argument("the graph has no output \"" + name + '"' +
                                (near ? "; did you mean " + *near + "?" : ""));
  }
  graph.outputs = std::move(kept);
  return graph;
}

}  // namespace isorbit::core
