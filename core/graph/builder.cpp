#include "core/graph/builder.hpp"

namespace isorbit::core {

namespace {

std::vector<const TensorType*> input_types(const Graph& graph, const Node& node) {
  std::vector<const TensorType*> types;
  for (const ValueId id : node.inputs) types.push_back(id == kNone ? nullptr : &graph.value(id).type);
  return types;
}

void check_slots(const OpCard& card, std::span<const TensorType* const> types) {
  if (types.size() > card.inputs.size()) {
    throw OpError("in", std::to_string(types.size()) + " inputs",
                  "at most " + std::to_string(card.inputs.size()), "\"" + card.name + "\" takes no more");
  }
  for (std::size_t i = 0; i < card.inputs.size(); ++i) {
    const InputSlot& slot = card.inputs[i];
    const bool given = i < types.size() && types[i] != nullptr;
    if (!given && !slot.optional) {
      throw OpError("in/" + std::to_string(i), "nothing", "a tensor",
                    "\"" + card.name + "\" needs \"" + slot.name + "\"");
    }
    if (given && types[i]->dtype != slot.dtype) {
      throw OpError("in/" + std::to_string(i), types[i]->text(),
                    std::string("a tensor of ") + name_of(slot.dtype),
                    "\"" + slot.name + "\" of \"" + card.name + "\" holds " +
                        (slot.dtype == DType::s32 ? "indices" : "numbers"));
    }
  }
}

Json resolved(const OpCard& card, const Json& attributes) {
  static const Document nowhere{"", Json(), {}};
  Problems problems;
  Json out = resolve(attributes, Spec::object(card.attributes), {&nowhere, "", nullptr}, problems);
  problems.throw_if_any();
  return out;
}

}  // namespace

std::vector<TensorType> infer_types(const Graph& graph, const Node& node) {
  const std::vector<const TensorType*> types = input_types(graph, node);
  check_slots(*node.op, types);
  std::vector<TensorType> out = node.op->infer(Infer(types, node.attributes));
  for (const TensorType& type : out) {
    try {
      (void)type.shape.elements();
    } catch (const std::overflow_error&) {
      throw OpError("in", type.shape.text(), "at most 2^40 elements",
                    "\"" + node.op->name + "\" would make them");
    }
  }
  return out;
}

std::vector<ValueId> Builder::add(Node node) {
  std::vector<TensorType> types = infer_types(graph_, node);
  if (node.op->expand && !node.op->grad) return node.op->expand(*this, node);
  const NodeId id = graph_.add_node(std::move(node), types);
  return graph_.nodes[index(id)].outputs;
}

std::vector<ValueId> Builder::all(std::string_view name, std::vector<ValueId> inputs,
                                  const Json& attributes) {
  const OpCard& card = ops_.at(name);
  Node node;
  node.op = &card;
  node.attributes = resolved(card, attributes);
  node.inputs = std::move(inputs);
  node.name = prefix_ + (prefix_.empty() ? "" : ".") + card.name + "." + std::to_string(graph_.nodes.size());
  node.pointer = pointer_;
  return add(std::move(node));
}

ValueId Builder::op(std::string_view name, std::vector<ValueId> inputs, const Json& attributes) {
  return all(name, std::move(inputs), attributes).front();
}

}  // namespace isorbit::core
