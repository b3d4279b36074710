// The graph: values (what flows) and nodes (what computes), in topological order. A pass takes a graph and
// returns one.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/document/json.hpp"
#include "core/graph/types.hpp"

namespace isorbit::core {

struct OpCard;

using ValueId = std::int32_t;
using NodeId = std::int32_t;
inline constexpr std::int32_t kNone = -1;

/// Where a value or node stands in its graph's list.
[[nodiscard]] inline std::size_t index(std::int32_t id) { return static_cast<std::size_t>(id); }

/// input: fed at every run; parameter: kept between runs in a TensorStore; computed: made by a node.
enum class Role : std::uint8_t { input, parameter, computed };

struct Value {
  std::string name;
  TensorType type;
  Role role = Role::computed;
  NodeId producer = kNone;
};

struct Node {
  const OpCard* op = nullptr;
  Json attributes = Json::object();  // resolved: every attribute of the card is present
  std::vector<ValueId> inputs;       // an absent optional input is kNone
  std::vector<ValueId> outputs;
  std::string name;       // "layers.0.attn.q"
  std::string pointer;    // JSON pointer of the origin in the model document
  bool backward = false;  // added by differentiate
  /// Of a backward node that stands for nodes of both passes: the forward pass's share of its flops.
  double forward_share = 0;
};

/// A tensor kept between runs: a weight, a parametrization's base or coordinate, an index.
struct Parameter {
  ValueId value = kNone;
  bool trainable = true;
  Json init = Json::object();  // {"kind": "normal", "std": 0.02}, {"kind": "ones"}, {"kind": "zeros"}
  std::string pointer;
};

struct GraphOutput {
  std::string name;
  ValueId value = kNone;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<Parameter> parameters;
  std::vector<GraphOutput> outputs;

  ValueId add_input(std::string name, TensorType type);
  ValueId add_parameter(std::string name, TensorType type, bool trainable, Json init,
                        std::string pointer = {});
  /// Appends a node and its output values ("name" for one output, "name:1" for further ones).
  NodeId add_node(Node node, const std::vector<TensorType>& types);

  [[nodiscard]] const Value& value(ValueId id) const { return values[index(id)]; }
  [[nodiscard]] const Shape& shape(ValueId id) const { return value(id).type.shape; }
  [[nodiscard]] const Parameter* parameter(std::string_view name) const;
  [[nodiscard]] const Parameter* parameter(ValueId id) const;
  [[nodiscard]] std::optional<ValueId> output(std::string_view name) const;
};

}  // namespace isorbit::core
