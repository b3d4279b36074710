// Reverse-mode differentiation: with L the output "loss" and y = f(x), dL/dx = sum over the uses of x of
// (df/dx)^T dL/dy. Nodes are visited from last to first, so that dL/dy is complete when f's gradient rule is
// asked; sums are taken in that order, which makes them the same at every compilation.
#include <stdexcept>

#include "core/passes/copy_node.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

/// Which values depend on a trainable parameter through numbers.
std::vector<bool> depend_on_trainable(const Graph& graph) {
  std::vector<bool> depends(graph.values.size(), false);
  for (const Parameter& p : graph.parameters) depends[index(p.value)] = p.trainable;
  for (const Node& node : graph.nodes) {
    bool any = false;
    for (const ValueId id : node.inputs) any = any || (id != kNone && depends[index(id)]);
    for (const ValueId id : node.outputs)
      depends[index(id)] = any && graph.value(id).type.dtype == DType::f32;
  }
  return depends;
}

class Reverse {
 public:
  Reverse(const Graph& graph, const OpSet& ops)
      : graph_(graph), out_(graph), builder_(out_, ops), gradients_(graph.values.size(), kNone) {}

  Graph run() {
    const std::optional<ValueId> loss = graph_.output("loss");
    if (!loss)
      throw std::invalid_argument("the graph has no output \"loss\" and so nothing to differentiate");
    if (graph_.value(*loss).type.dtype != DType::f32)
      throw std::invalid_argument("the loss must be a number, not an index");
    needed_ = depend_on_trainable(graph_);
    seed(*loss);
    for (std::size_t n = graph_.nodes.size(); n-- > 0;) visit(graph_.nodes[n]);
    for (const Parameter& p : graph_.parameters) {
      if (p.trainable) publish(p);
    }
    for (std::size_t n = graph_.nodes.size(); n < out_.nodes.size(); ++n) out_.nodes[n].backward = true;
    return std::move(out_);
  }

 private:
  void seed(ValueId loss) {
    builder_.origin("loss.grad", {});
    const Json attributes = {{"shape", graph_.shape(loss).dims()}, {"value", 1.0}};
    gradients_[index(loss)] = builder_.op(builder_.ops().with(Duty::fill).name, {}, attributes);
  }

  void visit(const Node& node) {
    std::vector<ValueId> dy;
    bool reached = false, wanted = false;
    for (const ValueId id : node.outputs) {
      dy.push_back(gradients_[index(id)]);
      reached = reached || dy.back() != kNone;
    }
    for (const ValueId id : node.inputs) wanted = wanted || (id != kNone && needed_[index(id)]);
    if (!reached || !wanted) return;
    if (!node.op->grad)
      throw std::invalid_argument(
          "node \"" + node.name + "\" stands between a trainable parameter and the loss, but \"" +
          node.op->name + "\" has no gradient" + (node.op->expand ? " before it is expanded" : ""));
    builder_.origin(node.name + ".grad", node.pointer);
    Grad grad(builder_, out_, node, dy);
    node.op->grad(grad);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId x = node.inputs[i], dx = grad.gradients()[i];
      if (x != kNone && dx != kNone && needed_[index(x)]) accumulate(node, x, dx);
    }
  }

  void accumulate(const Node& node, ValueId x, ValueId dx) {
    if (out_.value(dx).type != out_.value(x).type)
      throw std::logic_error("the gradient rule of \"" + node.op->name + "\" gives " +
                             out_.value(dx).type.text() + " for the input \"" + out_.value(x).name +
                             "\", which is " + out_.value(x).type.text());
    ValueId& sum = gradients_[index(x)];
    sum = sum == kNone ? dx : builder_.op(builder_.ops().with(Duty::accumulate).name, {sum, dx});
  }

  void publish(const Parameter& parameter) {
    const std::string& name = graph_.value(parameter.value).name;
    const ValueId gradient = gradients_[index(parameter.value)];
    if (gradient == kNone)
      throw std::invalid_argument("the trainable parameter \"" + name + "\" does not reach the loss");
    out_.outputs.push_back({"gradient/" + name, gradient});
  }

  const Graph& graph_;
  Graph out_;
  Builder builder_;
  std::vector<ValueId> gradients_;  // of the values of graph_, whose ids stay the same in out_
  std::vector<bool> needed_;
};

}  // namespace

Graph differentiate(const Graph& graph, const OpSet& ops) { return Reverse(graph, ops).run(); }

}  // namespace isorbit::core
