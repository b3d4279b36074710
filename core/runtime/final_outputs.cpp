#include "core/runtime/final_outputs.hpp"

#include <stdexcept>

#include "core/graph/op.hpp"

namespace isorbit::core {

std::vector<std::size_t> final_before(const Program& program, const std::vector<std::string>& outputs) {
  const Graph& graph = program.graph();
  std::vector<std::size_t> after(graph.nodes.size(), 0);  // steps run once a node has
  for (std::size_t step = 0; step < program.steps().size(); ++step)
    after[index(program.steps()[step].node)] = step + 1;
  std::vector<std::size_t> out;
  for (const std::string& name : outputs) {
    const std::optional<ValueId> value = graph.output(name);
    if (!value) throw std::out_of_range("the program has no output \"" + name + "\"");
    NodeId producer = graph.value(*value).producer;
    while (producer != kNone && graph.nodes[index(producer)].op->view)
      producer = graph.value(graph.nodes[index(producer)].inputs[0]).producer;
    out.push_back(producer == kNone ? 0 : after[index(producer)]);
  }
  return out;
}

}  // namespace isorbit::core
