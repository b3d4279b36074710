#include "core/runtime/reference.hpp"

#include <stdexcept>

#include "core/graph/op.hpp"

namespace isorbit::core {

namespace {

struct Store {
  std::vector<std::vector<double>> values;
  std::vector<std::vector<std::int32_t>> indices;
};

template <class T>
void load(std::vector<T>& into, const std::map<std::string, std::vector<T>>& from, const Value& value) {
  const auto it = from.find(value.name);
  const auto wanted = static_cast<std::size_t>(value.type.shape.elements());
  if (it == from.end() || it->second.size() != wanted) {
    throw std::invalid_argument("reference: \"" + value.name + "\" needs " + std::to_string(wanted) +
                                " elements, got " +
                                (it == from.end() ? "none" : std::to_string(it->second.size())));
  }
  into = it->second;
}

void run(const Graph& graph, const Node& node, Store& store) {
  std::vector<Ref::Operand> in;
  for (const ValueId id : node.inputs) {
    if (id == kNone) {
      in.emplace_back();
      continue;
    }
    const auto v = static_cast<std::size_t>(id);
    in.push_back({&graph.value(id).type, store.values[v], store.indices[v]});
  }
  std::vector<TensorType> types;
  std::vector<std::vector<double>> out;
  for (const ValueId id : node.outputs) {
    types.push_back(graph.value(id).type);
    out.emplace_back(static_cast<std::size_t>(types.back().shape.elements()), 0.0);
  }
  if (!node.op->ref) throw std::invalid_argument("reference: op \"" + node.op->name + "\" has no reference");
  node.op->ref(Ref(in, types, out, node.attributes));
  for (std::size_t i = 0; i < out.size(); ++i) {
    store.values[static_cast<std::size_t>(node.outputs[i])] = std::move(out[i]);
  }
}

}  // namespace

std::map<std::string, std::vector<double>> evaluate(const Graph& graph, const ReferenceInputs& inputs) {
  Store store{std::vector<std::vector<double>>(graph.values.size()),
              std::vector<std::vector<std::int32_t>>(graph.values.size())};
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    const Value& value = graph.values[v];
    if (value.role == Role::computed) continue;
    if (value.type.dtype == DType::f32) {
      load(store.values[v], inputs.values, value);
    } else {
      load(store.indices[v], inputs.indices, value);
    }
  }
  for (const Node& node : graph.nodes) run(graph, node, store);
  std::map<std::string, std::vector<double>> out;
  for (const GraphOutput& output : graph.outputs)
    out[output.name] = store.values[static_cast<std::size_t>(output.value)];
  return out;
}

}  // namespace isorbit::core
