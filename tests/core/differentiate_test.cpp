// The gradient pass against directional differences in double.
#include <gtest/gtest.h>

#include <cmath>

#include "core/passes/passes.hpp"
#include "core/runtime/reference.hpp"
#include "tests/core/toy_ops.hpp"

namespace isorbit::core {
namespace {

struct Toy {
  OpSet ops = toy::ops();
  Graph graph;
  Builder build{graph, ops};
  ValueId input(const char* name, Shape shape) {
    return graph.add_input(name, {std::move(shape), DType::f32});
  }
  ValueId weight(const char* name, Shape shape, bool trainable = true) {
    return graph.add_parameter(name, {std::move(shape), DType::f32}, trainable, {{"kind", "zeros"}});
  }
  void loss(ValueId id) { graph.outputs.push_back({"loss", id}); }
};

std::string refusal(const Graph& graph, const OpSet& ops) {
  try {
    (void)differentiate(graph, ops);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

/// Largest distance between a gradient and the central difference, over the elements of a parameter.
double gradient_error(const Graph& graph, const OpSet& ops, const std::string& name, ReferenceInputs at) {
  const auto gradient = evaluate(differentiate(graph, ops), at).at("gradient/" + name);
  double worst = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    constexpr double kStep = 1e-5;
    const double middle = at.values[name][i];
    at.values[name][i] = middle + kStep;
    const double above = evaluate(graph, at).at("loss")[0];
    at.values[name][i] = middle - kStep;
    const double below = evaluate(graph, at).at("loss")[0];
    at.values[name][i] = middle;
    worst = std::max(worst, std::abs((above - below) / (2 * kStep) - gradient[i]));
  }
  return worst;
}

TEST(Differentiate, AgreesWithDifferencesWhereAValueIsUsedSeveralTimes) {
  Toy t;
  const ValueId x = t.input("x", {3}), w = t.weight("w", {3}), v = t.weight("v", {3});
  const ValueId a = t.build.op("times", {x, w}), b = t.build.op("times", {a, a}),
                c = t.build.op("times", {b, w});
  t.loss(t.build.op("total", {t.build.op("plus", {c, t.build.op("times", {v, a})})}));
  const ReferenceInputs at{{{"x", {0.5, -1, 2}}, {"w", {1, 0.3, -0.7}}, {"v", {0.1, 0.2, 0.9}}}, {}};
  EXPECT_LT(gradient_error(t.graph, t.ops, "w", at), 1e-8);
  EXPECT_LT(gradient_error(t.graph, t.ops, "v", at), 1e-8);
}

TEST(Differentiate, AsksANodeOfSeveralOutputsOnceWithWhatEachReceived) {
  for (const int port : {0, 1}) {
    Toy t;
    const ValueId w = t.weight("w", {2});
    const auto parts = t.build.all("both", {t.build.op("times", {w, w})});
    t.loss(t.build.op("total", {t.build.op("times", {parts[static_cast<std::size_t>(port)], w})}));
    EXPECT_LT(gradient_error(t.graph, t.ops, "w", {{{"w", {0.4, -1.2}}}, {}}), 1e-8);
  }
}

TEST(Differentiate, GivesTheLossASeedOfOneWhenAParameterIsOneStepAway) {
  Toy t;
  t.loss(t.build.op("total", {t.weight("w", {4})}));
  const auto out = evaluate(differentiate(t.graph, t.ops), {{{"w", {1, 2, 3, 4}}}, {}});
  EXPECT_EQ(out.at("gradient/w"), (std::vector<double>{1, 1, 1, 1}));
}

TEST(Differentiate, LeavesFixedParametersAndPathsWithoutThemAlone) {
  Toy t;
  const ValueId x = t.input("x", {2}), w = t.weight("w", {2}), fixed = t.weight("fixed", {2}, false);
  const ValueId aside =
      t.build.op("sign", {t.build.op("times", {x, fixed})});  // has no gradient and needs none
  t.loss(t.build.op("total", {t.build.op("times", {aside, w})}));
  const Graph out = differentiate(t.graph, t.ops);
  EXPECT_TRUE(out.output("gradient/w").has_value());
  EXPECT_FALSE(out.output("gradient/fixed").has_value());
}

TEST(Differentiate, NamesATrainableParameterThatDoesNotReachTheLoss) {
  Toy t;
  const ValueId w = t.weight("w", {2});
  t.weight("lonely", {2});
  t.loss(t.build.op("total", {w}));
  EXPECT_NE(refusal(t.graph, t.ops).find("\"lonely\""), std::string::npos);
}

TEST(Differentiate, NamesANodeWhoseGradientIsNeededAndMissing) {
  Toy t;
  t.loss(t.build.op("total", {t.build.op("sign", {t.weight("w", {2})})}));
  const std::string text = refusal(t.graph, t.ops);
  EXPECT_NE(text.find("\"sign\""), std::string::npos) << text;
}

TEST(Differentiate, RefusesAGraphWithoutALoss) {
  Toy t;
  t.weight("w", {2});
  EXPECT_NE(refusal(t.graph, t.ops).find("loss"), std::string::npos);
}

TEST(Differentiate, MakesNodesThatPointBackToTheirOrigin) {
  Toy t;
  t.build.origin("layer", "/nodes/3");
  const ValueId w = t.weight("w", {2});
  t.loss(t.build.op("total", {t.build.op("times", {w, w})}));
  const Graph out = differentiate(t.graph, t.ops);
  ASSERT_GT(out.nodes.size(), t.graph.nodes.size() + 1);
  for (std::size_t n = t.graph.nodes.size() + 1; n < out.nodes.size(); ++n)
    EXPECT_EQ(out.nodes[n].pointer, "/nodes/3") << out.nodes[n].name;
}

}  // namespace
}  // namespace isorbit::core
