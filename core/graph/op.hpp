// What an op is: one card with its inputs, attributes, shape rule, gradient, lowering and f64 reference.
#pragma once
#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/document/spec.hpp"
#include "core/graph/graph.hpp"
#include "core/runtime/lowered.hpp"

namespace isorbit::core {

class Builder;
class Scaling;

/// A shape rule's refusal. `where` is "in/<i>" or an attribute's name, relative to the node in the document.
struct OpError : std::runtime_error {
  OpError(std::string at, std::string what_found, std::string what_expected, std::string why)
      : std::runtime_error("found " + what_found + "; expected " + what_expected +
                           (why.empty() ? "" : "; because " + why)),
        where(std::move(at)),
        found(std::move(what_found)),
        expected(std::move(what_expected)),
        because(std::move(why)) {}
  std::string where, found, expected, because;
};

/// A node's attributes with their types.
class Attributes {
 public:
  explicit Attributes(const Json& values) : values_(&values) {}
  [[nodiscard]] std::int64_t integer(const char* name) const { return values_->at(name).get<std::int64_t>(); }
  [[nodiscard]] double number(const char* name) const { return values_->at(name).get<double>(); }
  [[nodiscard]] bool flag(const char* name) const { return values_->at(name).get<bool>(); }
  [[nodiscard]] std::string text(const char* name) const { return values_->at(name).get<std::string>(); }
  [[nodiscard]] std::vector<std::int64_t> integers(const char* name) const {
    return values_->at(name).get<std::vector<std::int64_t>>();
  }

 private:
  const Json* values_;
};

/// What a shape rule sees: the types of the inputs (in the card's order) and the attributes.
class Infer : public Attributes {
 public:
  Infer(std::span<const TensorType* const> inputs, const Json& attributes)
      : Attributes(attributes), inputs_(inputs) {}
  [[nodiscard]] std::size_t inputs() const { return inputs_.size(); }
  [[nodiscard]] bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  [[nodiscard]] const TensorType& type(std::size_t i) const { return *inputs_[i]; }
  [[nodiscard]] const Shape& in(std::size_t i) const { return inputs_[i]->shape; }
  /// Refuses input i: "found [2, 3]; expected `expected`; because `why`".
  [[noreturn]] void refuse(std::size_t i, std::string expected, std::string why = {}) const {
    throw OpError("in/" + std::to_string(i), in(i).text(), std::move(expected), std::move(why));
  }
  [[noreturn]] void refuse_attribute(const std::string& name, std::string found, std::string expected,
                                     std::string why = {}) const {
    throw OpError(name, std::move(found), std::move(expected), std::move(why));
  }

 private:
  std::span<const TensorType* const> inputs_;
};

/// What a gradient rule sees. It adds nodes through build() and sets the gradients of the inputs it can
/// reach.
class Grad : public Attributes {
 public:
  Grad(Builder& builder, const Graph& graph, const Node& node, std::span<const ValueId> dy)
      : Attributes(node.attributes),
        builder_(builder),
        graph_(graph),
        node_(node),
        dy_(dy),
        dx_(node.inputs.size(), kNone) {}
  [[nodiscard]] Builder& build() { return builder_; }
  [[nodiscard]] const Node& node() const { return node_; }
  [[nodiscard]] bool has(std::size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNone; }
  [[nodiscard]] ValueId in(std::size_t i) const { return node_.inputs[i]; }
  [[nodiscard]] ValueId out(std::size_t i = 0) const { return node_.outputs[i]; }
  /// Gradient of output i, kNone when the loss does not depend on it.
  [[nodiscard]] ValueId dy(std::size_t i = 0) const { return dy_[i]; }
  /// A copy: building nodes may move the graph's values.
  [[nodiscard]] Shape shape(std::size_t i) const { return graph_.shape(node_.inputs[i]); }
  void set(std::size_t i, ValueId gradient) { dx_[i] = gradient; }
  [[nodiscard]] std::span<const ValueId> gradients() const { return dx_; }

 private:
  Builder& builder_;
  const Graph& graph_;
  const Node& node_;
  std::span<const ValueId> dy_;
  std::vector<ValueId> dx_;
};

/// What a lowering sees: types, attributes and the engine. It returns a kernel and creates no memory and no
/// stream.
class Lower : public Infer {
 public:
  Lower(std::span<const TensorType* const> inputs, std::span<const TensorType> outputs,
        const Json& attributes, Engine& engine)
      : Infer(inputs, attributes), outputs_(outputs), engine_(engine) {}
  [[nodiscard]] const Shape& out(std::size_t i = 0) const { return outputs_[i].shape; }
  [[nodiscard]] const TensorType& out_type(std::size_t i = 0) const { return outputs_[i]; }
  [[nodiscard]] Engine& engine() const { return engine_; }

 private:
  std::span<const TensorType> outputs_;
  Engine& engine_;
};

/// What a reference sees: dense row-major tensors in double (indices stay integers). Outputs start as zeros.
class Ref : public Attributes {
 public:
  struct Operand {
    const TensorType* type = nullptr;  // null: absent optional input
    std::span<const double> values;
    std::span<const std::int32_t> indices;
  };
  Ref(std::span<const Operand> in, std::span<const TensorType> out_types, std::span<std::vector<double>> out,
      const Json& attributes)
      : Attributes(attributes), in_(in), out_types_(out_types), out_(out) {}
  [[nodiscard]] bool has(std::size_t i) const { return i < in_.size() && in_[i].type != nullptr; }
  [[nodiscard]] const Shape& in_shape(std::size_t i) const { return in_[i].type->shape; }
  [[nodiscard]] const Shape& out_shape(std::size_t i = 0) const { return out_types_[i].shape; }
  [[nodiscard]] std::span<const double> in(std::size_t i) const { return in_[i].values; }
  [[nodiscard]] std::span<const std::int32_t> index(std::size_t i) const { return in_[i].indices; }
  [[nodiscard]] std::span<double> out(std::size_t i = 0) const { return out_[i]; }

 private:
  std::span<const Operand> in_;
  std::span<const TensorType> out_types_;
  std::span<std::vector<double>> out_;
};

struct InputSlot {
  std::string name;
  DType dtype = DType::f32;
  bool optional = false;
};

/// A weight that an op brings with it when it stands in a document; its name is "<node>.<slot name>".
struct ParameterSlot {
  std::string name;
  TensorType type;
  Json init;
};

/// One shape the contract test runs a card with. Index inputs get values in [0, below).
struct SampleInput {
  Shape shape;
  DType dtype = DType::f32;
  std::int64_t below = 0;
  bool distinct = false;  // index input without repeats
};
struct Sample {
  std::vector<SampleInput> inputs;
  Json attributes = Json::object();
};

/// Jobs that passes need done without naming an op.
///   accumulate  y = a + b of equal shapes
///   fill        no inputs, attributes "shape" and "value"
///   linear      inputs x, weight, bias: y = x W^T + bias
///   cast        the same numbers in bf16, or back in f32: takes and gives either
enum class Duty : std::uint8_t { none, accumulate, fill, linear, cast };

/// Which tensors of an op may be stored in bf16, by position. Its arithmetic stays in f32.
struct Narrow {
  /// Inputs of a matrix product, which bf16 makes faster; read in it all together or not at all (oneDNN
  /// multiplies equal types).
  std::vector<std::size_t> operands = {};
  std::vector<std::size_t> inputs = {};   // further inputs the kernel can read in bf16
  std::vector<std::size_t> outputs = {};  // outputs the kernel can write in bf16
};

/// A matrix product inside a kernel: y[batch, m, n] = a[batch, m, k] b[batch, k, n].
struct MatrixProduct {
  std::int64_t batch = 1, m = 1, k = 1, n = 1;
  bool transpose_a = false, transpose_b = false;  // stored as [k, m], [n, k]
  DType operands = DType::f32, result = DType::f32;

  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(batch * m) * static_cast<double>(k) * static_cast<double>(n);
  }
  friend auto operator<=>(const MatrixProduct&, const MatrixProduct&) = default;
};

/// A view of a graph that knows who reads what.
class Uses {
 public:
  explicit Uses(const Graph& graph);
  [[nodiscard]] const Graph& graph() const { return graph_; }
  /// Nodes that read the value, each once, in order.
  [[nodiscard]] std::span<const NodeId> users(ValueId value) const { return users_[index(value)]; }
  [[nodiscard]] bool is_output(ValueId value) const { return is_output_[index(value)]; }
  /// The node that makes the value if it is of this op, else null.
  [[nodiscard]] const Node* made_by(ValueId value, std::string_view op) const;
  [[nodiscard]] NodeId producer(ValueId value) const { return graph_.value(value).producer; }
  [[nodiscard]] const Node& node(NodeId id) const { return graph_.nodes[index(id)]; }

 private:
  const Graph& graph_;
  std::vector<std::vector<NodeId>> users_;
  std::vector<bool> is_output_;
};

/// One node that does the work of several. outputs[i] is the old value that output i stands for (kNone: a new
/// one). Every other value the replaced nodes made must be read by replaced nodes only; the pass checks it.
struct Fusion {
  Json attributes = Json::object();
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<NodeId> replaced;
};
struct OpCard {
  std::string name;
  std::string doc;                // one line
  std::vector<InputSlot> inputs;  // weights included, after the data inputs
  std::vector<Field> attributes = {};
  /// Weights made for the node when it is read from a document (they fill the last input slots, in order).
  /// Given only the data inputs. An empty result: the op has none.
  std::function<std::vector<ParameterSlot>(const Infer&)> parameters = {};
  std::function<std::vector<TensorType>(const Infer&)> infer;
  /// Rewrites the node into other ops; such a card has no lower. Without grad it is rewritten as soon as it
  /// is met and has no ref; with both, after differentiation, which its own rule makes cheaper than the rules
  /// of what it is written with.
  std::function<std::vector<ValueId>(Builder&, const Node&)> expand = {};
  std::function<void(Grad&)> grad = {};  // none: not differentiable
  std::function<Lowered(const Lower&)> lower = {};
  std::function<void(const Ref&)> ref = {};
  /// Floating-point operations; none: one per output element.
  std::function<double(const Infer&)> flops = {};
  /// The matrix products its kernel makes, for inputs and outputs of these types; none: it makes none.
  std::function<std::vector<MatrixProduct>(const Infer&, std::span<const TensorType> outputs)> products = {};
  /// (input, output) pairs that may share a buffer when the input dies here.
  std::vector<std::pair<std::size_t, std::size_t>> in_place = {};
  bool view = false;  // output 0 is input 0 under another shape: no code runs
  /// How factors on its inputs' and weights' channels show in its outputs (core/graph/scaling.hpp); none: it
  /// is not known to follow any.
  std::function<void(Scaling&)> scaling = {};
  Narrow narrow = {};
  /// Finds nodes that this op can stand for, of which `root` is the last; asked of every node of op
  /// `fuse_root`.
  std::function<std::optional<Fusion>(const Uses&, NodeId root)> fuse = {};
  std::string fuse_root = {};
  Duty duty = Duty::none;
  std::vector<Sample> samples = {};
};

using OpFamily = std::vector<OpCard>;

/// All cards by name. Names declared twice and cards that are neither complete nor expansions are refused.
class OpSet {
 public:
  explicit OpSet(std::vector<OpFamily> families);
  [[nodiscard]] const OpCard* find(std::string_view name) const;
  [[nodiscard]] const OpCard& at(std::string_view name) const;  // throws std::out_of_range
  [[nodiscard]] const OpCard& with(Duty duty) const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] const std::map<std::string, OpCard, std::less<>>& cards() const { return cards_; }

 private:
  std::map<std::string, OpCard, std::less<>> cards_;
};

}  // namespace isorbit::core
