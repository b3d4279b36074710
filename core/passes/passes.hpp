// The passes, each a free function in a file of its own: graph in, graph out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/document/problem.hpp"
#include "core/graph/builder.hpp"
#include "core/graph/op.hpp"
#include "core/runtime/lowered.hpp"

namespace isorbit::core {

/// An input as the document declares it; indices lie in [0, below).
struct ModelInput {
  std::string name;
  TensorType type;
  std::int64_t below = 0;
};

/// A model document, read: its graph (one output per name in "outputs", and "loss"), inputs and constants.
struct Model {
  std::string name;
  Json constants;  // evaluated: every constant a number or a text
  Graph graph;
  std::vector<ModelInput> inputs;
};

/// Spec of a model document; nodes are described by the cards.
[[nodiscard]] Spec model_spec(const OpSet& ops);

/// Reads a model. `size` picks a set of constants ("" for none), `overrides` sets single constants
/// afterwards; both are checked. All problems of the document are thrown at once as DocumentError: unknown
/// ops, blocks and references, cycles between blocks, wrong shapes (by the cards' shape rules), bad
/// attributes, unused nodes, sizes past memory.
[[nodiscard]] Model read_model(const Document& document, const OpSet& ops, const std::string& size = {},
                               const Json& overrides = Json::object());

/// How a parameter's use is rewritten. `weight` returns the value that stands for it, built from a base and
/// coordinates added with graph().add_parameter(). `linear`, where there is one, returns what a layer of
/// Duty::linear makes of x with it and a bias (kNone: none); it is asked where such a layer is the
/// parameter's only use.
struct Realize {
  using Weight = std::function<ValueId(Builder&, const Parameter&, const Value&)>;
  using Linear = std::function<ValueId(Builder&, const Parameter&, const Value&, ValueId x, ValueId bias)>;
  Realize() = default;
  template <class F>
  requires std::is_invocable_r_v<ValueId, F&, Builder&, const Parameter&, const Value&> Realize(F function)
      : weight(std::move(function)) {}
  Weight weight;
  Linear linear;
};

/// The node of Duty::linear whose weight the parameter is, where that is its only use.
[[nodiscard]] const Node* only_linear_use(const Graph& graph, const Parameter& parameter);

/// Replaces the use of every parameter named in `realizations` by what its functions build; the others stay.
[[nodiscard]] Graph parametrize(const Graph& graph, const OpSet& ops,
                                const std::map<std::string, Realize>& realizations);

/// Rewrites every node whose card is an expansion before differentiation.
[[nodiscard]] Graph expand(const Graph& graph, const OpSet& ops);
/// Rewrites every node whose card is an expansion.
[[nodiscard]] Graph expand_all(const Graph& graph, const OpSet& ops);

/// Reverse-mode: adds an output "gradient/<name>" for every trainable parameter. The loss is the output
/// "loss".
[[nodiscard]] Graph differentiate(const Graph& graph, const OpSet& ops);

/// Removes nodes no output needs and merges nodes that compute the same.
[[nodiscard]] Graph simplify(const Graph& graph);

/// Replaces groups of nodes by single ones where a card offers to stand for them (OpCard::fuse).
[[nodiscard]] Graph fuse(const Graph& graph, const OpSet& ops);

/// What the backward pass reads of the forward pass: all of it kept, cheap results computed again, or of each
/// repeated block everything computed again from what enters it.
enum class Recompute : std::uint8_t { none, automatic, full };
[[nodiscard]] Graph recompute(const Graph& graph, Recompute policy);

/// Stores operands of matrix products in bf16, and whatever lies between them where kernels read or write it
/// (OpCard::narrow); casts the rest. Graph outputs, parameters and inputs keep their types.
[[nodiscard]] Graph narrow(const Graph& graph, const OpSet& ops);

/// Keeps only these outputs.
[[nodiscard]] Graph keep_outputs(Graph graph, std::span<const std::string> names);

/// A graph whose nodes have kernels. layouts[v]: the memory format of value v, nullopt for dense row-major.
struct LoweredGraph {
  Graph graph;
  std::vector<Lowered> kernels;  // one per node; a view has an empty bind
  std::vector<std::optional<onednn::Layout>> layouts;
};
[[nodiscard]] LoweredGraph lower(Graph graph, Engine& engine);

/// Inserts a reorder wherever a kernel wants another format than its input has. The only place that compares
/// formats.
[[nodiscard]] LoweredGraph place_reorders(LoweredGraph lowered, Engine& engine);

/// A buffer alive from step `first` to step `last`, both included.
struct Lifetime {
  std::int64_t first = 0, last = 0;
  std::size_t bytes = 0;
};
/// Offsets into one arena such that buffers alive at the same step never overlap; 64-byte aligned, largest
/// first.
struct Arena {
  std::vector<std::size_t> offsets;
  std::size_t bytes = 0;
};
[[nodiscard]] Arena pack(std::span<const Lifetime> lifetimes);
/// The most bytes alive at any one step: no arena can be smaller.
[[nodiscard]] std::size_t lower_bound(std::span<const Lifetime> lifetimes);

/// Where every value lives: offset in the arena, or kOutside for inputs and parameters (and views of them).
struct MemoryPlan {
  static constexpr std::size_t kOutside = static_cast<std::size_t>(-1);
  std::vector<std::size_t> offsets;          // per value
  std::vector<ValueId> storage;              // per value: the value whose buffer it shares (itself if none)
  std::vector<std::size_t> scratch_offsets;  // per node
  std::size_t arena_bytes = 0;
  std::size_t lower_bound_bytes = 0;
};
[[nodiscard]] MemoryPlan plan_memory(const LoweredGraph& lowered);

/// A graph as text, one node a line, or as Graphviz DOT.
[[nodiscard]] std::string dump_text(const Graph& graph);
[[nodiscard]] std::string dump_dot(const Graph& graph);

}  // namespace isorbit::core
