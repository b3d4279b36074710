// Fusing: a card stands for a group of nodes where nobody outside needs what the group keeps to itself.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "core/runtime/reference.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

/// a b + c; stands for plus(times(a, b), c).
OpCard fused_card() {
  OpCard card = toy::card_of("times_plus", "a b + c", {{"a"}, {"b"}, {"c"}});
  card.infer = toy::same_shapes;
  card.ref = [](const Ref& r) {
    for (std::size_t i = 0; i < r.out().size(); ++i) r.out()[i] = r.in(0)[i] * r.in(1)[i] + r.in(2)[i];
  };
  card.fuse_root = "plus";
  card.fuse = [](const Uses& uses, NodeId root) -> std::optional<Fusion> {
    const Node& sum = uses.node(root);
    const Node* product = uses.made_by(sum.inputs[0], "times");
    if (product == nullptr) return std::nullopt;
    return Fusion{Json::object(),
                  {product->inputs[0], product->inputs[1], sum.inputs[1]},
                  {sum.outputs[0]},
                  {uses.producer(sum.inputs[0]), root}};
  };
  return card;
}

/// Both of two products of one factor that lie far apart: (a b, a c), with an output nobody had before.
OpCard pair_card() {
  OpCard card = toy::card_of("pair", "a b, a c and a", {{"a"}, {"b"}, {"c"}});
  card.infer = [](const Infer& x) { return std::vector<TensorType>(3, x.type(0)); };
  card.ref = [](const Ref& r) {
    for (std::size_t i = 0; i < r.out().size(); ++i) {
      r.out(0)[i] = r.in(0)[i] * r.in(1)[i];
      r.out(1)[i] = r.in(0)[i] * r.in(2)[i];
      r.out(2)[i] = r.in(0)[i];
    }
  };
  card.fuse_root = "times";
  card.fuse = [](const Uses& uses, NodeId root) -> std::optional<Fusion> {
    const Node& second = uses.node(root);
    for (const NodeId user : uses.users(second.inputs[0])) {
      const Node& first = uses.node(user);
      if (user >= root || first.op->name != "times" || first.inputs[0] != second.inputs[0]) continue;
      return Fusion{Json::object(),
                    {second.inputs[0], first.inputs[1], second.inputs[1]},
                    {first.outputs[0], second.outputs[0]},
                    {user, root}};
    }
    return std::nullopt;
  };
  return card;
}

struct Toy {
  explicit Toy(OpCard card)
      : ops({{toy::plus(), toy::times(), toy::total(), toy::spread(), toy::sign(), std::move(card)}}) {}
  ValueId input(const char* name) { return graph.add_input(name, {{2}, DType::f32}); }
  [[nodiscard]] std::size_t count(const Graph& g, const std::string& op) const {
    return static_cast<std::size_t>(
        std::count_if(g.nodes.begin(), g.nodes.end(), [&](const Node& n) { return n.op->name == op; }));
  }
  OpSet ops;
  Graph graph;
  Builder build{graph, ops};
};

void expect_topological(const Graph& graph) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (const ValueId id : graph.nodes[n].inputs)
      EXPECT_LT(id == kNone ? kNone : graph.value(id).producer, static_cast<NodeId>(n));
}

const ReferenceInputs kAt{{{"a", {2, 3}}, {"b", {5, 7}}, {"c", {-1, 11}}, {"d", {0.5, 4}}}, {}};

TEST(Fuse, ReplacesAGroupThatKeepsItsValuesToItself) {
  Toy t(fused_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c");
  const ValueId y = t.build.op("plus", {t.build.op("times", {a, b}), c});
  t.graph.outputs = {{"y", t.build.op("sign", {y})}, {"z", y}};
  const Graph out = fuse(t.graph, t.ops);
  EXPECT_EQ(out.nodes.size(), 2U);
  EXPECT_EQ(t.count(out, "times_plus"), 1U);
  EXPECT_EQ(evaluate(out, kAt), evaluate(t.graph, kAt));
}

TEST(Fuse, ReplacesEveryGroupOfAChain) {
  Toy t(fused_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c");
  ValueId y = c;
  for (int i = 0; i < 3; ++i) y = t.build.op("plus", {t.build.op("times", {y, a}), b});
  t.graph.outputs = {{"y", y}};
  const Graph out = fuse(t.graph, t.ops);
  EXPECT_EQ(t.count(out, "times_plus"), 3U);
  EXPECT_EQ(out.nodes.size(), 3U);
  expect_topological(out);
  EXPECT_EQ(evaluate(out, kAt), evaluate(t.graph, kAt));
}

TEST(Fuse, LeavesAGroupWhoseInnerValueIsReadOutside) {
  Toy t(fused_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c");
  const ValueId product = t.build.op("times", {a, b});
  t.graph.outputs = {{"y", t.build.op("plus", {product, c})}, {"z", t.build.op("sign", {product})}};
  EXPECT_EQ(dump_text(fuse(t.graph, t.ops)), dump_text(t.graph));
}

TEST(Fuse, LeavesAGroupWhoseInnerValueIsAnOutput) {
  Toy t(fused_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c");
  const ValueId product = t.build.op("times", {a, b});
  t.graph.outputs = {{"y", t.build.op("plus", {product, c})}, {"product", product}};
  EXPECT_EQ(dump_text(fuse(t.graph, t.ops)), dump_text(t.graph));
}

TEST(Fuse, PutsTheNewNodeAfterAllItReadsAndBeforeAllThatReadIt) {
  Toy t(pair_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c");
  const ValueId first = t.build.op("times", {a, b});
  const ValueId reader = t.build.op("sign", {first});  // stands before what the pair still waits for
  const ValueId late = t.build.op("plus", {b, c});
  const ValueId second = t.build.op("times", {a, late});
  t.graph.outputs = {{"reader", reader}, {"second", second}};
  const Graph out = fuse(t.graph, t.ops);
  EXPECT_EQ(t.count(out, "pair"), 1U);
  EXPECT_EQ(out.nodes.size(), 3U);
  expect_topological(out);
  EXPECT_EQ(evaluate(out, kAt), evaluate(t.graph, kAt));
}

TEST(Fuse, LeavesAGroupThatWouldWaitForItself) {
  Toy t(pair_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c");
  const ValueId between = t.build.op("plus", {t.build.op("sign", {t.build.op("times", {a, b})}), c});
  t.graph.outputs = {{"y", t.build.op("times", {a, between})}};
  EXPECT_EQ(dump_text(fuse(t.graph, t.ops)), dump_text(t.graph));
}

TEST(Fuse, LeavesTheSecondOfTwoGroupsThatWouldWaitForEachOther) {
  Toy t(pair_card());
  const ValueId a = t.input("a"), b = t.input("b"), c = t.input("c"), d = t.input("d");
  const ValueId a1 = t.build.op("times", {a, c}), b1 = t.build.op("times", {b, d});
  const ValueId from_a = t.build.op("sign", {a1}), from_b = t.build.op("sign", {b1});
  t.graph.outputs = {{"a2", t.build.op("times", {a, from_b})}, {"b2", t.build.op("times", {b, from_a})}};
  const Graph out = fuse(t.graph, t.ops);
  EXPECT_EQ(t.count(out, "pair"), 1U);
  EXPECT_EQ(t.count(out, "times"), 2U);
  expect_topological(out);
  EXPECT_EQ(evaluate(out, kAt), evaluate(t.graph, kAt));
}

TEST(Fuse, RefusesACardThatGivesAnotherTypeThanWhatItStandsFor) {
  OpCard wrong = fused_card();
  wrong.infer = [](const Infer&) { return std::vector<TensorType>{{Shape{3}, DType::f32}}; };
  Toy t(wrong);
  const ValueId a = t.input("a");
  t.graph.outputs = {{"y", t.build.op("plus", {t.build.op("times", {a, a}), a})}};
  EXPECT_THROW((void)fuse(t.graph, t.ops), std::logic_error);
}

TEST(Fuse, CountsANodeAsBackwardWhenAnyPartOfItIs) {
  for (const bool backward : {false, true}) {
    Toy t(fused_card());
    const ValueId a = t.input("a");
    t.graph.outputs = {{"y", t.build.op("plus", {t.build.op("times", {a, a}), a})}};
    t.graph.nodes.back().backward = backward;
    EXPECT_EQ(fuse(t.graph, t.ops).nodes.at(0).backward, backward);
  }
}

TEST(Fuse, KeepsTheForwardShareOfTheWorkOfANodeOfBothPasses) {
  Toy t(fused_card());
  const ValueId a = t.input("a");
  t.graph.outputs = {{"y", t.build.op("plus", {t.build.op("times", {a, a}), a})}};
  t.graph.nodes.back().backward = true;  // two multiplications before two additions
  EXPECT_EQ(fuse(t.graph, t.ops).nodes.at(0).forward_share, 0.5);
  t.graph.nodes.front().backward = true;
  EXPECT_EQ(fuse(t.graph, t.ops).nodes.at(0).forward_share, 0);
}

}  // namespace
}  // namespace isorbit::core
