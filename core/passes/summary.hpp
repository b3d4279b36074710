// What a graph costs, from its shapes alone.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/graph/graph.hpp"

namespace isorbit::core {

/// All nodes of one op together.
struct OpCost {
  std::string op;
  std::int64_t nodes = 0;
  double flops = 0;  // floating-point operations of one run
  double bytes = 0;  // read and written by one run
};

struct Summary {
  std::int64_t parameters = 0;            // elements
  std::int64_t trainable_parameters = 0;  // elements
  double parameter_bytes = 0;
  std::int64_t nodes = 0;
  double forward_flops = 0;  // of the nodes that outputs other than gradients need
  double flops = 0;          // of all nodes
  double bytes = 0;          // moved by one run: every node reads its inputs and writes its outputs once
  /// Most bytes of computed values alive at any one node: what an arena holds at the least.
  std::size_t live_bytes = 0;
  std::optional<std::size_t> arena_bytes;  // of a compiled program; unknown before
  std::vector<OpCost> ops;                 // most flops first
};

[[nodiscard]] Summary summarize(const Graph& graph, std::optional<std::size_t> arena_bytes = {});

/// Totals and a line per op, aligned.
[[nodiscard]] std::string summary_text(const Summary& summary);

}  // namespace isorbit::core
