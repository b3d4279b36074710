// Which nodes of a graph are a head: the product that makes the logits, what reads them, and in training the
// products that read their gradient.
#include "ops/linear_cross_entropy/kernels.hpp"

namespace isorbit::ops::head {

using namespace core;

namespace {

/// The logits' product if it is x W^T of a matrix W and nothing else.
const Node* linear_of(const Uses& uses, ValueId logits) {
  const Node* product = uses.made_by(logits, "matmul");
  if (product == nullptr || (product->inputs.size() > 2 && product->inputs[2] != kNone)) return nullptr;
  const Attributes of(product->attributes);
  const bool fits = !of.flag("transpose_a") && of.flag("transpose_b") && of.number("alpha") == 1 &&
                    uses.graph().shape(product->inputs[1]).rank() == 2;
  return fits ? product : nullptr;
}

/// What reads the gradient of the logits: dx, and dW with views before it.
struct GradientProducts {
  ValueId dx = kNone, dweight = kNone;
  std::vector<NodeId> nodes;
};

/// True if `value` is `source` or a view of it.
bool is_view_of(const Uses& uses, ValueId value, ValueId source) {
  while (value != source) {
    if (uses.producer(value) == kNone || !uses.node(uses.producer(value)).op->view) return false;
    value = uses.node(uses.producer(value)).inputs[0];
  }
  return true;
}

void collect(const Uses& uses, ValueId dlogits, const Node& product, GradientProducts& found) {
  for (const NodeId user : uses.users(dlogits)) {
    const Node& node = uses.node(user);
    found.nodes.push_back(user);
    if (node.op->view) {
      collect(uses, node.outputs[0], product, found);
    } else if (node.op->name == "matmul") {
      const Attributes of(node.attributes);
      if (of.flag("transpose_b") || of.number("alpha") != 1 || node.inputs[0] != dlogits) continue;
      if (!of.flag("transpose_a") && node.inputs[1] == product.inputs[1]) found.dx = node.outputs[0];
      if (of.flag("transpose_a") && is_view_of(uses, node.inputs[1], product.inputs[0])) {
        found.dweight = node.outputs[0];
        const NodeId view = uses.producer(node.inputs[1]);  // of x: goes where nobody else reads it
        if (node.inputs[1] != product.inputs[0] && uses.users(node.inputs[1]).size() == 1)
          found.nodes.push_back(view);
      }
    }
  }
}

}  // namespace

std::optional<Fusion> fuse_loss(const Uses& uses, NodeId root) {
  const Node& loss = uses.node(root);
  const ValueId logits = loss.inputs[0];
  const Node* product = linear_of(uses, logits);
  if (product == nullptr || uses.users(logits).size() != 1) return std::nullopt;
  return Fusion{{{"precision", product->attributes.at("precision")}},
                {product->inputs[0], product->inputs[1], loss.inputs[1]},
                {loss.outputs[0]},
                {uses.producer(logits), root}};
}

std::optional<Fusion> fuse_gradients(const Uses& uses, NodeId root) {
  const Node& gradient = uses.node(root);
  const ValueId logits = gradient.inputs[0];
  const Node* product = linear_of(uses, logits);
  const Node* loss = uses.made_by(gradient.inputs[2], "cross_entropy");
  const auto given = [&](std::size_t i) { return i < gradient.inputs.size() && gradient.inputs[i] != kNone; };
  if (product == nullptr || loss == nullptr || !given(3) || given(4)) return std::nullopt;
  if (loss->inputs[0] != logits || loss->inputs[1] != gradient.inputs[1]) return std::nullopt;
  GradientProducts found;
  collect(uses, gradient.outputs[0], *product, found);
  if (found.dx == kNone) return std::nullopt;
  Fusion fusion{{{"precision", product->attributes.at("precision")}, {"weight", found.dweight != kNone}},
                {product->inputs[0], product->inputs[1], loss->inputs[1], gradient.inputs[3]},
                {loss->outputs[0], found.dx},
                {uses.producer(logits), uses.producer(loss->outputs[0]), root}};
  if (found.dweight != kNone) fusion.outputs.push_back(found.dweight);
  fusion.replaced.insert(fusion.replaced.end(), found.nodes.begin(), found.nodes.end());
  return fusion;
}

}  // namespace isorbit::ops::head
