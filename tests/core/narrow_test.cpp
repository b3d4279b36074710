// Narrowing: what is stored in bf16, what is cast, and what stays.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

/// a b, multiplied in bf16 unless its precision is f32.
OpCard product() {
  OpCard card = toy::times();
  card.name = "product";
  card.attributes = {{"precision", Spec::text(), "storage", Json("program"), false}};
  card.narrow = {.operands = {0, 1}, .outputs = {0}};
  return card;
}

/// Reads and writes bf16 but gains nothing by it.
OpCard soft() {
  OpCard card = toy::sign();
  card.name = "soft";
  card.narrow = {.inputs = {0}, .outputs = {0}};
  return card;
}

OpCard flat() {
  OpCard card = toy::sign();
  card.name = "flat";
  card.view = true;
  return card;
}

OpCard to() {
  OpCard card = toy::sign();
  card.name = "to";
  card.attributes = {{"to", Spec::text(), "storage"}};
  card.duty = Duty::cast;
  return card;
}

struct Toy {
  OpSet ops{{{toy::plus(), toy::sign(), product(), soft(), flat(), to()}}};
  Graph graph;
  Builder build{graph, ops};
  ValueId x = graph.add_input("x", {{2}, DType::f32});
  ValueId w = graph.add_parameter("w", {{2}, DType::f32}, true, {{"kind", "ones"}});

  Graph narrowed() { return narrow(graph, ops); }
};

std::size_t count(const Graph& graph, const std::string& op) {
  return static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) { return n.op->name == op; }));
}

/// The n-th node of an op.
const Node& node(const Graph& graph, const std::string& op, std::size_t n = 0) {
  for (const Node& candidate : graph.nodes)
    if (candidate.op->name == op && n-- == 0) return candidate;
  throw std::out_of_range(op);
}

DType read(const Graph& graph, const Node& node, std::size_t slot) {
  return graph.value(node.inputs[slot]).type.dtype;
}
DType stored(const Graph& graph, const Node& node) { return graph.value(node.outputs[0]).type.dtype; }

TEST(Narrow, CastsTheOperandsOfAProductOncePerValue) {
  Toy t;
  const ValueId a = t.build.op("product", {t.x, t.w}), b = t.build.op("product", {t.w, t.x});
  t.graph.outputs = {{"y", t.build.op("plus", {a, b})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(count(out, "to"), 2U);
  for (const std::size_t n : {0U, 1U})
    for (const std::size_t slot : {0U, 1U}) EXPECT_EQ(read(out, node(out, "product", n), slot), DType::bf16);
  EXPECT_EQ(node(out, "to").attributes.at("to"), "bf16");
}

TEST(Narrow, StoresWhatEveryReaderTakes) {
  Toy t;
  const ValueId y = t.build.op("soft", {t.build.op("product", {t.x, t.w})});
  t.graph.outputs = {{"y", t.build.op("product", {y, t.w})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(stored(out, node(out, "product")), DType::bf16);
  EXPECT_EQ(stored(out, node(out, "soft")), DType::bf16);
  EXPECT_EQ(count(out, "to"), 2U) << "x and w, not what is stored in bf16 already";
}

TEST(Narrow, KeepsInF32WhatOneReaderCannotTake) {
  Toy t;
  const ValueId y = t.build.op("soft", {t.build.op("product", {t.x, t.w})});
  t.graph.outputs = {{"y", t.build.op("product", {y, t.w})}, {"z", t.build.op("sign", {y})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(stored(out, node(out, "soft")), DType::f32);
  EXPECT_EQ(read(out, node(out, "product", 1), 0), DType::bf16) << "through a cast";
  EXPECT_EQ(count(out, "to"), 3U);
}

TEST(Narrow, KeepsInF32WhatItsProducerCannotWriteInBf16) {
  Toy t;
  t.graph.outputs = {{"y", t.build.op("soft", {t.build.op("sign", {t.x})})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(dump_text(out), dump_text(t.graph));
}

TEST(Narrow, KeepsTheOutputsOfTheGraphInF32) {
  Toy t;
  const ValueId y = t.build.op("product", {t.x, t.w});
  t.graph.outputs = {{"y", y}, {"z", t.build.op("product", {y, t.w})}};
  const Graph out = t.narrowed();
  for (const GraphOutput& output : out.outputs) EXPECT_EQ(out.value(output.value).type.dtype, DType::f32);
  EXPECT_EQ(read(out, node(out, "product", 1), 0), DType::bf16);
}

TEST(Narrow, KeepsInputsAndParameters) {
  Toy t;
  t.graph.outputs = {{"y", t.build.op("product", {t.x, t.w})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(out.value(out.inputs[0]).type.dtype, DType::f32);
  EXPECT_EQ(out.value(out.parameters[0].value).type.dtype, DType::f32);
}

TEST(Narrow, LetsAViewFollowItsSource) {
  Toy t;
  const ValueId view = t.build.op("flat", {t.build.op("product", {t.x, t.w})});
  t.graph.outputs = {{"y", t.build.op("product", {view, t.w})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(stored(out, node(out, "product")), DType::bf16);
  EXPECT_EQ(stored(out, node(out, "flat")), DType::bf16);
  EXPECT_EQ(count(out, "to"), 2U);
}

TEST(Narrow, KeepsASourceInF32WhenTheReaderOfAViewCannotTakeIt) {
  Toy t;
  const ValueId y = t.build.op("product", {t.x, t.w});
  t.graph.outputs = {{"y", t.build.op("sign", {t.build.op("flat", {y})})}};
  EXPECT_EQ(stored(t.narrowed(), node(t.narrowed(), "product")), DType::f32);
  Toy output;
  const ValueId z = output.build.op("product", {output.x, output.w});
  output.graph.outputs = {{"z", output.build.op("flat", {z})}};
  const Graph out = output.narrowed();
  EXPECT_EQ(stored(out, node(out, "product")), DType::f32);
}

TEST(Narrow, CastsTheSourceOfAViewAndNotTheView) {
  Toy t;
  const ValueId view = t.build.op("flat", {t.x});
  const ValueId a = t.build.op("product", {t.x, t.w});
  t.graph.outputs = {{"y", t.build.op("plus", {a, t.build.op("product", {view, t.w})})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(count(out, "to"), 2U) << "x once for both products, and w";
  EXPECT_EQ(read(out, node(out, "product", 1), 0), DType::bf16);
}

TEST(Narrow, LeavesANodeWhosePrecisionIsF32) {
  Toy t;
  const ValueId y = t.build.op("product", {t.x, t.w});
  t.graph.outputs = {{"y", t.build.op("product", {y, t.w}, {{"precision", "f32"}})}};
  const Graph out = t.narrowed();
  EXPECT_EQ(stored(out, node(out, "product")), DType::f32);
  EXPECT_EQ(read(out, node(out, "product", 1), 0), DType::f32);
  EXPECT_EQ(read(out, node(out, "product", 1), 1), DType::f32);
}

}  // namespace
}  // namespace isorbit::core
