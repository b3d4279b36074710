// Families out of toy graphs; those of real models are tested in tests/ops/symmetries_test.cpp.
#include "core/passes/symmetries.hpp"

#include <gtest/gtest.h>

#include "core/graph/scaling.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

/// y = x W^T + b, the hook of a dense layer; it is never run.
OpCard dense() {
  OpCard card = toy::card_of("dense", "x W^T + b", {{"x"}, {"weight"}, {"bias", DType::f32, true}});
  card.infer = [](const Infer& x) { return std::vector<TensorType>{{{x.in(0)[0], x.in(1)[0]}, DType::f32}}; };
  card.ref = [](const Ref&) {};
  card.scaling = [](Scaling& s) {
    s.equal(s.out(), s.rows(1));
    s.opposite(s.columns(1), s.in(0));
    if (!s.has(2)) return;
    s.equal(s.out(), s.in(2));
    s.offset(2);
  };
  return card;
}

const OpSet& ops() {
  static const OpSet set = [] {
    OpCard product = toy::times();
    product.scaling = [](Scaling& s) { s.product(s.out(), s.in(0), s.in(1)); };
    OpCard sum = toy::plus();
    sum.scaling = [](Scaling& s) { s.equal(s.out(), s.in(0)), s.equal(s.out(), s.in(1)); };
    return OpSet({{dense(), product, sum, toy::sign(), toy::fill()}});
  }();
  return set;
}

struct Toy {
  Graph graph;
  ValueId x;
  explicit Toy(std::int64_t width) : x(graph.add_input("x", {{2, width}, DType::f32})) {}
  ValueId weight(const std::string& name, Shape shape) {
    return graph.add_parameter(name + (shape.rank() == 1 ? ".bias" : ".weight"), {shape, DType::f32}, true,
                               {});
  }
  ValueId op(const char* name, std::vector<ValueId> in) {
    return Builder(graph, ops()).op(name, std::move(in));
  }
  ValueId layer(const std::string& name, ValueId from, std::int64_t units) {
    return op("dense", {from, weight(name, {units, graph.shape(from).back()})});
  }
  Symmetries found(ValueId result) {
    graph.outputs = {{"logits", result}};
    return symmetries(graph);
  }
};

std::vector<std::string> lines(const ScalingFamily& family) {
  std::vector<std::string> out;
  for (const ScaledWeight& m : family.members)
    out.push_back(m.parameter + " " + std::to_string(m.axis) + " " +
                  std::to_string(static_cast<int>(m.power)) + (m.is_offset ? " offset" : ""));
  return out;
}

TEST(Symmetries, TwoLayersInARowShareTheChannelsBetweenThem) {
  Toy t(3);
  const ValueId hidden = t.op("dense", {t.x, t.weight("net.a", {5, 3}), t.weight("net.a", {5})});
  const Symmetries found = t.found(t.layer("net.b", hidden, 4));
  ASSERT_EQ(found.families.size(), 1U);
  const ScalingFamily& family = found.families[0];
  EXPECT_EQ(family.kind, "a-b");
  EXPECT_EQ(family.name, "net.a~net.b");
  EXPECT_EQ(lines(family),
            (std::vector<std::string>{"net.a.weight 0 1", "net.a.bias 0 1 offset", "net.b.weight 1 -1"}));
  EXPECT_EQ(family.generators, 5);
  EXPECT_EQ(family.members[2].generators, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(family.groups.empty());
  EXPECT_EQ(found.reasons(), (std::vector<std::string>{"a columns: it is what the model is fed",
                                                       "b rows: it is the model's \"logits\""}));
}

TEST(Symmetries, ASquareTakesTheFactorTwice) {
  Toy t(3);
  const ValueId a = t.layer("a", t.x, 5);
  const Symmetries found = t.found(t.layer("b", t.op("times", {a, a}), 4));
  ASSERT_EQ(found.families.size(), 1U);
  EXPECT_EQ(lines(found.families[0]), (std::vector<std::string>{"a.weight 0 1", "b.weight 1 -2"}));
}

TEST(Symmetries, BothFactorsOfAProductMayBeScaledAgainstWhatReadsIt) {
  Toy t(3);
  const ValueId product = t.op("times", {t.layer("a", t.x, 5), t.layer("b", t.x, 5)});
  const Symmetries found = t.found(t.layer("c", product, 4));
  EXPECT_EQ(found.kinds(), (std::vector<std::string>{"a-c", "b-c"}));
  for (const ScalingFamily& family : found.families) EXPECT_EQ(family.generators, 5);
}

TEST(Symmetries, AnOpThatSaysNothingIsPinnedAndNamed) {
  Toy t(3);
  const Symmetries found = t.found(t.layer("b", t.op("sign", {t.layer("a", t.x, 5)}), 4));
  EXPECT_TRUE(found.families.empty());
  ASSERT_EQ(found.refusals.size(), 4U);
  EXPECT_EQ(found.refusals[0].kind, "a rows");
  EXPECT_EQ(found.refusals[0].because, "sign is not known to be homogeneous");
}

TEST(Symmetries, ASharedWeightAnswersToAllItsReaders) {
  Toy t(3);
  const ValueId shared = t.weight("w", {3, 3});
  // x -> a -> w -> w -> b: the channels before, between and after the uses of w have one set of factors.
  const ValueId once = t.op("dense", {t.layer("a", t.x, 3), shared});
  const Symmetries found = t.found(t.layer("b", t.op("dense", {once, shared}), 4));
  ASSERT_EQ(found.families.size(), 1U);
  EXPECT_EQ(lines(found.families[0]),
            (std::vector<std::string>{"w.weight 0 1", "w.weight 1 -1", "a.weight 0 1", "b.weight 1 -1"}));
  Toy tied(3);  // x + w x is read by nobody who could undo a factor
  EXPECT_TRUE(tied.found(tied.op("plus", {tied.x, tied.layer("w", tied.x, 3)})).families.empty());
}

TEST(Symmetries, AKindIsFoundAtEveryPlaceInTheModelsOrder) {
  Toy t(3);
  ValueId x = t.x;
  for (int layer = 0; layer < 3; ++layer) {
    const std::string at = "layers." + std::to_string(layer) + ".";
    x = t.op("sign", {t.layer(at + "b", t.layer(at + "a", x, 5), 3)});
  }
  const Symmetries found = t.found(x);
  ASSERT_EQ(found.families.size(), 3U);
  EXPECT_EQ(found.kinds(), std::vector<std::string>{"a-b"});
  EXPECT_EQ(found.families[2].name, "layers.2.a~layers.2.b");
}

}  // namespace
}  // namespace isorbit::core
