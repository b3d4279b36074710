// Activation recomputation (Chen et al., arXiv 1604.06174): what the backward pass reads is kept from the
// forward pass, or computed again just before it is needed.
//
// automatic: results of cheap nodes (no matrix products) are computed again where their inputs are kept
// anyway.
//
// full: of every repeated block only what enters it is kept; the last block, whose gradient comes first,
// keeps everything.
//
// Values that depend on parameters alone are weights, not activations, and stay.
#include <algorithm>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

/// "layers.3" of "layers.3.attn.q": the outermost repeated block a node stands in, "" for none. (A number at
/// the end, as in "loss.cross_entropy.45", only tells nodes apart.)
std::string block_of(const std::string& name) {
  for (std::size_t begin = name.find('.'); begin != std::string::npos; begin = name.find('.', begin + 1)) {
    const std::size_t end = name.find('.', begin + 1);
    if (end == std::string::npos) return {};
    const std::string part = name.substr(begin + 1, end - begin - 1);
    if (!part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return name.substr(0, end);
  }
  return {};
}

class Recomputer {
 public:
  Recomputer(const Graph& graph, Recompute policy)
      : graph_(graph), uses_(graph), policy_(policy), read_backward_(graph.values.size(), false) {
    find_activations();
    find_read_backward();
    if (policy == Recompute::full) find_last_block();
    choose();
  }

  Graph run() {
    map_ = copy_sources(graph_, out_);
    again_.assign(graph_.values.size(), kNone);
    for (const Node& node : graph_.nodes) {
      if (node.backward)
        copy_in_backward(node, map_);
      else
        copy_node(graph_, node, out_, map_);
    }
    copy_outputs(graph_, out_, map_);
    return std::move(out_);
  }

 private:
  void find_activations() {
    activation_.assign(graph_.values.size(), false);
    for (const ValueId v : graph_.inputs) activation_[index(v)] = true;
    for (const Node& node : graph_.nodes) {
      const bool any = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](ValueId v) { return v != kNone && activation_[index(v)]; });
      for (const ValueId v : node.outputs) activation_[index(v)] = any;
    }
  }

  /// Through views: to read a view is to read what it views.
  void find_read_backward() {
    for (std::size_t n = graph_.nodes.size(); n-- > 0;) {
      const Node& node = graph_.nodes[n];
      const bool through = node.op->view && !node.outputs.empty() && read_backward_[index(node.outputs[0])];
      for (const ValueId v : node.inputs)
        if (v != kNone && (node.backward || through)) read_backward_[index(v)] = true;
    }
  }

  void find_last_block() {
    for (const Node& node : graph_.nodes) {
      const std::string block = block_of(node.name);
      if (!node.backward && !block.empty()) last_block_ = block;
    }
  }

  bool is_source(ValueId v) const { return graph_.value(v).producer == kNone; }
  const Node& producer(ValueId v) const { return graph_.nodes[index(graph_.value(v).producer)]; }

  bool is_cheap(const Node& node) const { return node.op->narrow.operands.empty(); }

  void choose() {
    chosen_.assign(graph_.values.size(), false);
    for (const Node& node : graph_.nodes) {
      if (node.backward) continue;
      for (const ValueId v : node.outputs) {
        chosen_[index(v)] = activation_[index(v)] && graph_.value(v).type.dtype == DType::f32 &&
                            (policy_ == Recompute::full ? is_inside(node, v) : is_chosen_cheap(node));
      }
    }
  }

  /// Made in a repeated block (not the last) and read by no other block's forward pass.
  bool is_inside(const Node& node, ValueId v) const {
    const std::string block = block_of(node.name);
    if (block.empty() || block == last_block_ || uses_.is_output(v)) return false;
    return std::all_of(uses_.users(v).begin(), uses_.users(v).end(), [&](NodeId user) {
      return uses_.node(user).backward || block_of(uses_.node(user).name) == block;
    });
  }

  bool is_chosen_cheap(const Node& node) const {
    return !node.op->view && is_cheap(node) &&
           std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
             return v == kNone || is_source(v) || !activation_[index(v)] ||
                    (read_backward_[index(v)] && !is_chosen(v));
           });
  }

  bool is_chosen(ValueId v) const {
    if (!is_source(v) && producer(v).op->view) return is_chosen(producer(v).inputs[0]);
    return chosen_[index(v)];
  }

  /// The value as the backward pass reads it: kept, or computed again at its first use.
  ValueId in_backward(ValueId v) {
    if (is_source(v) || producer(v).backward || !is_chosen(v)) return map_[index(v)];
    if (again_[index(v)] != kNone) return again_[index(v)];
    const Node& node = producer(v);
    copy_in_backward(node, again_);
    out_.nodes.back().backward = true;
    out_.nodes.back().name += ".again";
    for (const ValueId made : node.outputs) out_.values[index(again_[index(made)])].name += "/again";
    return again_[index(v)];
  }

  /// Copies a node that reads its inputs as the backward pass does; its outputs are entered into `map`.
  void copy_in_backward(const Node& node, ValueMap& map) {
    std::vector<ValueId> inputs;
    for (const ValueId v : node.inputs) inputs.push_back(v == kNone ? kNone : in_backward(v));
    copy_node(graph_, node, std::move(inputs), out_, map);
  }

  const Graph& graph_;
  Uses uses_;
  Recompute policy_;
  Graph out_;
  ValueMap map_, again_;
  std::vector<bool> activation_, read_backward_, chosen_;
  std::string last_block_;
};

}  // namespace

Graph recompute(const Graph& graph, Recompute policy) {
  return policy == Recompute::none ? graph : Recomputer(graph, policy).run();
}

}  // namespace isorbit::core
