// Dead code and common subexpressions.
#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "core/runtime/reference.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

struct Toy {
  OpSet ops = toy::ops();
  Graph graph;
  Builder build{graph, ops};
  ValueId x = graph.add_input("x", {{2}, DType::f32});
  ValueId w = graph.add_parameter("w", {{2}, DType::f32}, true, {{"kind", "ones"}});
};

void expect_topological(const Graph& graph) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (const ValueId id : graph.nodes[n].inputs)
      EXPECT_LT(id == kNone ? kNone : graph.value(id).producer, static_cast<NodeId>(n));
}

TEST(Simplify, RemovesWhatNoOutputNeedsAndKeepsInputsAndParameters) {
  Toy t;
  const ValueId used = t.build.op("times", {t.x, t.x});
  t.build.op("plus", {t.build.op("times", {t.x, t.w}), t.w});
  t.graph.outputs.push_back({"y", used});
  const Graph out = simplify(t.graph);
  EXPECT_EQ(out.nodes.size(), 1U);
  EXPECT_EQ(out.inputs.size(), 1U);
  EXPECT_EQ(out.parameters.size(), 1U);
}

TEST(Simplify, MergesEqualNodesAndThenTheNodesThatReadThem) {
  Toy t;
  const ValueId a = t.build.op("times", {t.x, t.w}), b = t.build.op("times", {t.x, t.w});
  const ValueId c = t.build.op("plus", {a, t.x}), d = t.build.op("plus", {b, t.x});
  t.graph.outputs = {{"y", t.build.op("times", {c, d})}, {"z", d}};
  const Graph out = simplify(t.graph);
  EXPECT_EQ(out.nodes.size(), 3U);
  expect_topological(out);
  const ReferenceInputs at{{{"x", {2, 3}}, {"w", {5, 7}}}, {}};
  EXPECT_EQ(evaluate(out, at), evaluate(t.graph, at));
}

TEST(Simplify, KeepsNodesApartThatDifferInAttributesInputsOrOrder) {
  Toy t;
  const ValueId one = t.build.op("fill", {}, {{"shape", {2}}, {"value", 1}});
  const ValueId two = t.build.op("fill", {}, {{"shape", {2}}, {"value", 2}});
  t.graph.outputs = {{"a", t.build.op("times", {one, two})},
                     {"b", t.build.op("times", {two, one})},
                     {"c", t.build.op("plus", {one, two})}};
  EXPECT_EQ(simplify(t.graph).nodes.size(), 5U);
}

TEST(Simplify, MergesEveryOutputOfANodeOfSeveral) {
  Toy t;
  const auto a = t.build.all("both", {t.x}), b = t.build.all("both", {t.x});
  t.graph.outputs = {{"y", t.build.op("plus", {a[0], b[1]})}};
  const Graph out = simplify(t.graph);
  EXPECT_EQ(out.nodes.size(), 2U);
  EXPECT_EQ(evaluate(out, {{{"x", {1, 2}}, {"w", {0, 0}}}, {}}).at("y"), (std::vector<double>{3, 6}));
}

TEST(Simplify, ChangesNothingTheSecondTime) {
  Toy t;
  const ValueId a = t.build.op("times", {t.x, t.w});
  t.graph.outputs = {{"y", t.build.op("plus", {a, t.build.op("times", {t.x, t.w})})}};
  const Graph once = simplify(t.graph);
  EXPECT_EQ(dump_text(simplify(once)), dump_text(once));
}

TEST(KeepOutputs, LetsSimplifyDropTheRest) {
  Toy t;
  const ValueId a = t.build.op("times", {t.x, t.w});
  t.graph.outputs = {{"y", a}, {"z", t.build.op("plus", {a, a})}};
  const std::vector<std::string> names{"y"};
  const Graph out = simplify(keep_outputs(t.graph, names));
  EXPECT_EQ(out.nodes.size(), 1U);
  EXPECT_FALSE(out.output("z").has_value());
}

TEST(KeepOutputs, SuggestsTheNameThatWasMeant) {
  Toy t;
  t.graph.outputs = {{"logits", t.x}};
  const std::vector<std::string> names{"logit"};
  try {
    (void)keep_outputs(t.graph, names);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean logits?"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace isorbit::core
