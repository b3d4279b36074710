// Where the time of a step goes: by node, by kind of node, and as a trace.
#pragma once
#include <string>
#include <vector>

#include "experiments/timing/step_times.hpp"

namespace isorbit::experiments {

/// One executed node, or all of one op, implementation and direction together. A node fused of both passes
/// has a row in each, with what falls to it by its flops.
struct ProfileRow {
  std::string name;  // of the node; of the op for a kind
  std::string op, implementation;
  bool backward = false;
  int nodes = 1;
  double ms = 0;  // median over the steps; of a kind, the sum of its nodes' medians
  double flops = 0, bytes = 0;

  [[nodiscard]] double gflop_per_second() const { return ms > 0 ? flops * 1e-6 / ms : 0; }
  [[nodiscard]] double gigabyte_per_second() const { return ms > 0 ? bytes * 1e-6 / ms : 0; }
};

/// Most time first.
[[nodiscard]] std::vector<ProfileRow> profile_nodes(const core::Program& program, const Timing& timing);
[[nodiscard]] std::vector<ProfileRow> profile_kinds(const std::vector<ProfileRow>& nodes);

/// The typical step in the trace event format of Chrome and Perfetto: complete events, microseconds since
/// its start.
[[nodiscard]] core::Json chrome_trace(const core::Program& program, const Timing& timing);

}  // namespace isorbit::experiments
