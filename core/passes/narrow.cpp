// Mixed precision (Micikevicius et al., arXiv 1710.03740, with bf16): matrix products read bf16 and sum in
// f32; parameters, gradients and whatever a kernel cannot write in bf16 stay f32.
//
// A value is stored in bf16 when its producer can write it so, every reader can read it so, and it is no
// output of the graph; a view is what it views. Any other operand of a product is cast, once per value. A
// node whose attribute "precision" is "f32" keeps its operands and results.
#include <algorithm>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

bool contains(const std::vector<std::size_t>& slots, std::size_t slot) {
  return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

bool is_kept(const Node& node) {
  const auto precision = node.attributes.find("precision");
  return precision != node.attributes.end() && *precision == "f32";
}

class Narrower {
 public:
  Narrower(const Graph& graph, const OpSet& ops)
      : graph_(graph),
        uses_(graph),
        cast_(ops.with(Duty::cast)),
        accepted_(graph.values.size(), false),
        stored_(graph.values.size(), false) {}

  Graph run() {
    for (std::size_t v = graph_.values.size(); v-- > 0;) accepted_[v] = is_accepted(static_cast<ValueId>(v));
    for (const Node& node : graph_.nodes) store(node);
    map_ = copy_sources(graph_, out_);
    narrowed_.assign(graph_.values.size(), kNone);
    for (const Node& node : graph_.nodes) copy(node);
    copy_outputs(graph_, out_, map_);
    return std::move(out_);
  }

 private:
  bool takes(const Node& node, std::size_t slot) const {
    return !is_kept(node) &&
           (contains(node.op->narrow.operands, slot) || contains(node.op->narrow.inputs, slot));
  }

  /// Every reader can read it in bf16. Values are asked from last to first: a view's before its source.
  bool is_accepted(ValueId v) const {
    if (uses_.is_output(v) || graph_.value(v).type.dtype != DType::f32) return false;
    return std::all_of(uses_.users(v).begin(), uses_.users(v).end(), [&](NodeId user) {
      const Node& node = uses_.node(user);
      if (node.op->view) return static_cast<bool>(accepted_[index(node.outputs[0])]);
      for (std::size_t slot = 0; slot < node.inputs.size(); ++slot)
        if (node.inputs[slot] == v && !takes(node, slot)) return false;
      return true;
    });
  }

  void store(const Node& node) {
    for (std::size_t port = 0; port < node.outputs.size(); ++port) {
      const ValueId v = node.outputs[port];
      if (node.op->view) {
        stored_[index(v)] = stored_[index(node.inputs[0])];
      } else {
        stored_[index(v)] = accepted_[index(v)] && !is_kept(node) && contains(node.op->narrow.outputs, port);
      }
    }
  }

  void copy(const Node& node) {
    Node made = node;
    made.outputs.clear();
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const ValueId v = node.inputs[slot];
      if (v == kNone) continue;
      const bool operand = contains(node.op->narrow.operands, slot) && !is_kept(node);
      made.inputs[slot] = operand ? narrowed(v) : map_[index(v)];
    }
    append(std::move(made), node);
  }

  /// Appends a copy of `old`; its outputs are what the plan says they are stored as.
  void append(Node made, const Node& old) {
    std::vector<TensorType> types;
    for (const ValueId v : old.outputs)
      types.push_back({graph_.shape(v), stored_[index(v)] ? DType::bf16 : graph_.value(v).type.dtype});
    const auto id = index(out_.add_node(std::move(made), types));
    for (std::size_t port = 0; port < old.outputs.size(); ++port) {
      const ValueId v = out_.nodes[id].outputs[port];
      map_[index(old.outputs[port])] = v;
      out_.values[index(v)].name = graph_.value(old.outputs[port]).name;
    }
  }

  /// The value in bf16: as it is stored, or cast; a view of a cast rather than a cast of a view.
  ValueId narrowed(ValueId v) {
    if (stored_[index(v)]) return map_[index(v)];
    if (narrowed_[index(v)] != kNone) return narrowed_[index(v)];
    const NodeId producer = graph_.value(v).producer;
    Node node;
    std::string name = graph_.value(v).name + "/bf16";
    if (producer != kNone && uses_.node(producer).op->view) {
      node = uses_.node(producer);
      node.inputs[0] = narrowed(node.inputs[0]);
    } else {
      node.op = &cast_;
      node.attributes = {{"to", "bf16"}};
      node.inputs = {map_[index(v)]};
      node.name = name;
      if (producer != kNone) node.backward = uses_.node(producer).backward;
    }
    node.outputs.clear();
    const auto id = index(out_.add_node(std::move(node), {{graph_.shape(v), DType::bf16}}));
    const ValueId made = out_.nodes[id].outputs[0];
    out_.values[index(made)].name = std::move(name);
    return narrowed_[index(v)] = made;
  }

  const Graph& graph_;
  Uses uses_;
  const OpCard& cast_;
  Graph out_;
  ValueMap map_;
  std::vector<ValueId> narrowed_;        // per old value: its bf16 copy
  std::vector<bool> accepted_, stored_;  // per old value
};

}  // namespace

Graph narrow(const Graph& graph, const OpSet& ops) { return Narrower(graph, ops).run(); }

}  // namespace isorbit::core
