// Inserts a reorder between a value, which its kernel makes dense row-major, and a kernel that wants it in
// another memory format: once per (value, format).
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

using Format = Lowered::Format;

const OpCard& reorder_card() {
  static const OpCard card = [] {
    OpCard c;
    c.name = "reorder";
    c.doc = "the same numbers in another memory format";
    c.inputs = {{"x"}};
    return c;
  }();
  return card;
}

class Placer {
 public:
  Placer(LoweredGraph source, Engine& engine) : source_(std::move(source)), engine_(engine) {
    out_.graph = source_.graph;
    out_.graph.nodes.clear();
    out_.layouts = source_.layouts;
  }

  LoweredGraph place() {
    for (std::size_t n = 0; n < source_.graph.nodes.size(); ++n) {
      Node node = source_.graph.nodes[n];
      const Lowered& kernel = source_.kernels[n];
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] != kNone && i < kernel.in_formats.size() && kernel.in_formats[i])
          node.inputs[i] = in_format(node.inputs[i], *kernel.in_formats[i]);
      }
      append(std::move(node), kernel);
    }
    return std::move(out_);
  }

 private:
  struct Copy {
    ValueId source, copy;
    onednn::Layout have;  // a square matrix and its transpose are wanted in one and the same format
  };

  void append(Node node, Lowered kernel) {
    const auto id = static_cast<NodeId>(out_.graph.nodes.size());
    for (const ValueId v : node.outputs) out_.graph.values[index(v)].producer = id;
    out_.graph.nodes.push_back(std::move(node));
    out_.kernels.push_back(std::move(kernel));
  }

  ValueId in_format(ValueId value, const Format& format) {
    const onednn::Layout &have = format.dense, &want = format.wanted;
    const TensorType type = out_.graph.value(value).type;
    if (!is_number(type.dtype) || have == want) return value;
    for (const Copy& c : copies_)
      if (c.source == value && c.have == have && *out_.layouts[index(c.copy)] == want) return c.copy;
    const auto copy = static_cast<ValueId>(out_.graph.values.size());
    out_.graph.values.push_back({out_.graph.value(value).name + "/reordered", type, Role::computed, kNone});
    out_.layouts.push_back(want);
    Node node;
    node.op = &reorder_card();
    node.name = out_.graph.values.back().name;
    node.inputs = {value};
    node.outputs = {copy};
    const dnnl::reorder::primitive_desc description(engine_.onednn(), have, engine_.onednn(), want,
                                                    user_scratchpad());
    append(std::move(node),
           Lowered::primitive(description, {{DNNL_ARG_FROM, false, 0, have}, {DNNL_ARG_TO, true, 0, want}}));
    copies_.push_back({value, copy, have});
    return copy;
  }

  LoweredGraph source_, out_;
  Engine& engine_;
  std::vector<Copy> copies_;
};

}  // namespace

LoweredGraph place_reorders(LoweredGraph lowered, Engine& engine) {
  return Placer(std::move(lowered), engine).place();
}

}  // namespace isorbit::core
