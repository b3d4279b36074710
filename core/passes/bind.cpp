#include "core/passes/bind.hpp"

#include "core/passes/cost.hpp"

namespace isorbit::core {

class Binder {
 public:
  Binder(LoweredGraph lowered, const MemoryPlan& plan, Engine& engine, TensorStore& store)
      : lowered_(std::move(lowered)),
        plan_(plan),
        engine_(engine),
        store_(store),
        addresses_(lowered_.graph.values.size()) {}

  Program bind() {
    program_.engine_ = &engine_;
    program_.arena_ = AlignedBuffer(plan_.arena_bytes);
    program_.arena_lower_bound_ = plan_.lower_bound_bytes;
    place_values();
    for (std::size_t n = 0; n < lowered_.graph.nodes.size(); ++n) bind_node(n);
    for (const ValueId v : lowered_.graph.inputs)
      program_.inputs_.push_back(endpoint(lowered_.graph.value(v).name, v));
    for (const GraphOutput& o : lowered_.graph.outputs)
      program_.outputs_.push_back(endpoint(o.name, o.value));
    program_.graph_ = std::move(lowered_.graph);
    return std::move(program_);
  }

 private:
  std::byte*& address(ValueId v) { return addresses_[index(v)]; }

  Program::Endpoint endpoint(std::string name, ValueId v) {
    return {std::move(name), lowered_.graph.value(v).type, address(v)};
  }

  void place_values() {
    const Graph& graph = lowered_.graph;
    for (const ValueId v : graph.inputs) {
      program_.input_buffers_.emplace_back(graph.value(v).type.bytes());
      address(v) = program_.input_buffers_.back().data();
    }
    for (const Parameter& p : graph.parameters) {
      address(p.value) = store_.add(graph.value(p.value).name, graph.value(p.value).type).bytes().data();
    }
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      if (plan_.offsets[v] != MemoryPlan::kOutside) {
        addresses_[v] = program_.arena_.data() + plan_.offsets[v];
      } else if (graph.values[v].role == Role::computed) {
        addresses_[v] = address(plan_.storage[v]);
      }
    }
  }

  void bind_node(std::size_t n) {
    const Node& node = lowered_.graph.nodes[n];
    if (node.op->view) return;
    Binding binding;
    for (const ValueId v : node.inputs) binding.in.push_back(v == kNone ? nullptr : address(v));
    for (const ValueId v : node.outputs) binding.out.push_back(address(v));
    binding.scratch = program_.arena_.data() + plan_.scratch_offsets[n];
    binding.engine = &engine_;
    program_.kernels_.push_back(lowered_.kernels[n].bind(binding));
    const NodeCost cost = node_cost(lowered_.graph, node);
    program_.steps_.push_back({node.name, node.op->name, lowered_.kernels[n].implementation, cost.flops,
                               cost.bytes, static_cast<NodeId>(n), node.backward,
                               node.backward ? node.forward_share : 1});
  }

  LoweredGraph lowered_;
  const MemoryPlan& plan_;
  Engine& engine_;
  TensorStore& store_;
  std::vector<std::byte*> addresses_;
  Program program_;
};

Program bind(LoweredGraph lowered, const MemoryPlan& plan, Engine& engine, TensorStore& store) {
  return Binder(std::move(lowered), plan, engine, store).bind();
}

}  // namespace isorbit::core
