// A compiled graph, bound to memory: run() computes its outputs.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/graph.hpp"
#include "core/runtime/engine.hpp"
#include "core/runtime/lowered.hpp"
#include "core/runtime/tensor.hpp"

namespace isorbit::core {

/// One executed node.
struct Step {
  std::string name, op, implementation;
  double flops = 0, bytes = 0;
  NodeId node = kNone;  // of graph()
  bool backward = false;
  double forward_share = 1;  // of its flops: 0 of a backward node, between where it is fused of both passes
};

class Program {
 public:
  /// The memory of an input, to be written before run().
  [[nodiscard]] std::span<float> input(std::string_view name);
  [[nodiscard]] std::span<std::int32_t> input_indices(std::string_view name);
  /// The memory of an output, valid after run() until the next run().
  [[nodiscard]] std::span<float> output(std::string_view name);
  [[nodiscard]] const TensorType& output_type(std::string_view name) const;
  [[nodiscard]] bool has_output(std::string_view name) const;
  void run();
  /// run(), calling before(i) before step i and once more at the end with the number of steps.
  void run(const std::function<void(std::size_t step)>& before);

  [[nodiscard]] std::span<const Step> steps() const { return steps_; }
  [[nodiscard]] std::size_t arena_bytes() const { return arena_.size(); }
  /// The most bytes alive at any one step: what an arena holds at the least.
  [[nodiscard]] std::size_t arena_lower_bound() const { return arena_lower_bound_; }
  [[nodiscard]] const Graph& graph() const { return graph_; }

 private:
  friend class Binder;
  struct Endpoint {
    std::string name;
    TensorType type;
    std::byte* address;
  };
  Graph graph_;
  Engine* engine_ = nullptr;
  std::vector<Endpoint> inputs_, outputs_;
  std::vector<Step> steps_;
  std::vector<Kernel> kernels_;
  AlignedBuffer arena_;
  std::size_t arena_lower_bound_ = 0;
  std::vector<AlignedBuffer> input_buffers_;
};

}  // namespace isorbit::core
