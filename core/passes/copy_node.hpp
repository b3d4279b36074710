// Copying a graph node by node, as passes that rewrite do.
#pragma once
#include <vector>

#include "core/graph/graph.hpp"

namespace isorbit::core {

/// Where each value of an old graph stands in a new one; kNone where it does not.
using ValueMap = std::vector<ValueId>;

/// A node whose inputs are those of `node` in the new graph, without outputs.
[[nodiscard]] Node carried(const Node& node, const ValueMap& map);

/// Appends a copy of `node` of `from` to `to` and enters its outputs into `map`.
void copy_node(const Graph& from, const Node& node, Graph& to, ValueMap& map);

/// The same with the inputs given, as values of `to`.
void copy_node(const Graph& from, const Node& node, std::vector<ValueId> inputs, Graph& to, ValueMap& map);

/// Copies the inputs of `from` to the empty graph `to`; the map has an entry for every value of `from`.
[[nodiscard]] ValueMap copy_inputs(const Graph& from, Graph& to);

/// Copies the outputs' names.
void copy_outputs(const Graph& from, Graph& to, const ValueMap& map);

/// copy_inputs() and every parameter as it is.
[[nodiscard]] ValueMap copy_sources(const Graph& from, Graph& to);

}  // namespace isorbit::core
