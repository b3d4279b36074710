// Adds nodes to a graph: attributes get their defaults, shapes are inferred at once, expansions are applied
// at once.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/op.hpp"

namespace isorbit::core {

class Builder {
 public:
  /// New nodes are called "<prefix>.<op>.<running number>" and carry `pointer` as their origin.
  Builder(Graph& graph, const OpSet& ops, std::string prefix = {}, std::string pointer = {})
      : graph_(graph), ops_(ops), prefix_(std::move(prefix)), pointer_(std::move(pointer)) {}

  /// First output of a new node. Throws OpError when the shapes do not fit, std::out_of_range for an unknown
  /// op.
  ValueId op(std::string_view name, std::vector<ValueId> inputs, const Json& attributes = Json::object());
  /// All outputs of a new node.
  std::vector<ValueId> all(std::string_view name, std::vector<ValueId> inputs,
                           const Json& attributes = Json::object());
  /// All outputs of a copy of `node` (attributes resolved already) over other inputs.
  std::vector<ValueId> add(Node node);

  void origin(std::string prefix, std::string pointer) {
    prefix_ = std::move(prefix), pointer_ = std::move(pointer);
  }
  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] Graph& graph() { return graph_; }
  [[nodiscard]] const OpSet& ops() const { return ops_; }
  [[nodiscard]] Shape shape(ValueId id) const { return graph_.shape(id); }

 private:
  Graph& graph_;
  const OpSet& ops_;
  std::string prefix_, pointer_;
};

/// Output types of `node` under its card's shape rule. Throws OpError.
[[nodiscard]] std::vector<TensorType> infer_types(const Graph& graph, const Node& node);

}  // namespace isorbit::core
