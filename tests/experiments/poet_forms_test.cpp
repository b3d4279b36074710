// Law 3 (methods): a POET layer computed on the weight side, y = x (R W0 P)^T, and on the input side, y = R
// (W0 (P x)) with the permutations folded into the base (Qiu et al., arXiv 2603.05500), agree in loss and in
// every gradient. In double.
#include <gtest/gtest.h>

#include "parametrized_weight.hpp"

namespace isorbit::experiments {
namespace {

using core::Builder;
using core::Json;
using core::ValueId;
using testing_support::ParametrizedWeight;

constexpr std::int64_t kRows = 6, kOut = 12, kIn = 8, kBlock = 4, kTerms = 3;

/// (I + Q)(I + Q + ... + Q^k) of every block.
ValueId rotation(Builder& b, ValueId triangle) {
  const ValueId q = b.op("skew", {triangle}, {{"size", kBlock}});
  ValueId series = b.op("add_identity", {q}, {{"scale", 1.0}});
  for (std::int64_t i = 1; i < kTerms; ++i) {
    series = b.op("add_identity", {b.op("matmul", {q, series})}, {{"scale", 1.0}});
  }
  return b.op("add", {series, b.op("matmul", {q, series})});
}

struct Form {
  core::Graph graph;
  ValueId x, target, base;
  std::vector<ValueId> coordinates;

  Form(const ParametrizedWeight& weight) {
    x = graph.add_parameter("x", {{kRows, kIn}}, true, Json::object());
    target = graph.add_parameter("target", {{kRows, kOut}}, false, Json::object());
    base = graph.add_parameter("base", {weight.shape}, false, Json::object());
    for (const Coordinate& c : weight.described) {
      coordinates.push_back(graph.add_parameter(c.name, c.type, c.trainable, Json::object()));
    }
  }
  ValueId coordinate(const std::string& name) const { return graph.parameter(name)->value; }
  /// sum (y - target)^2 and its gradients.
  std::map<std::string, std::vector<double>> results(ValueId y, const core::ReferenceInputs& inputs) {
    const core::OpSet& ops = testing_support::all_ops();
    Builder b(graph, ops);
    const ValueId d = b.op("subtract", {y, target});
    graph.outputs.push_back(
        {"loss", b.op("sum", {b.op("mul", {d, d})}, {{"axes", {0, 1}}, {"keep", false}})});
    return core::evaluate(core::differentiate(graph, ops), inputs);
  }
};

ValueId weight_side(Form& f, const ParametrizedWeight& weight) {
  Builder b(f.graph, testing_support::all_ops());
  const ValueId w = weight.word.realize(b, weight.fields, f.base, f.coordinates);
  return b.op("matmul", {f.x, w}, {{"transpose_b", true}});
}

ValueId input_side(Form& f) {
  Builder b(f.graph, testing_support::all_ops());
  const ValueId left = f.coordinate("left_index"), right = f.coordinate("right_index");
  const ValueId folded =
      b.op("gather", {b.op("gather", {f.base, left}, {{"axis", 0}}), right}, {{"axis", 1}});
  const ValueId turned =
      b.op("block_matmul", {b.op("gather", {f.x, right}, {{"axis", 1}}), rotation(b, f.coordinate("right"))},
           {{"transpose", true}});
  const ValueId h = b.op("matmul", {turned, folded}, {{"transpose_b", true}});
  const ValueId y = b.op("block_matmul", {h, rotation(b, f.coordinate("left"))}, {{"transpose", true}});
  return b.op("gather", {y, f.coordinate("left_inverse")}, {{"axis", 1}});
}

TEST(PoetForms, WeightSideAndInputSideAgreeInLossAndEveryGradient) {
  const Json fields =
      testing_support::poet_fields({{"block_size", kBlock}, {"neumann_terms", kTerms}, {"init", "model"}});
  ParametrizedWeight weight("poet", fields, {kOut, kIn});
  core::ReferenceInputs inputs;
  const auto draw = [&](const std::string& name, std::int64_t n, double scale) {
    const core::Philox random(5, core::stream_of(name));
    for (std::int64_t i = 0; i < n; ++i)
      inputs.values[name].push_back(scale * random.normal(static_cast<std::uint64_t>(i)));
  };
  draw("x", kRows * kIn, 1);
  draw("target", kRows * kOut, 1);
  draw("base", kOut * kIn, 1);
  for (std::size_t c = 0; c < weight.described.size(); ++c) {
    const Coordinate& described = weight.described[c];
    if (described.trainable) {
      draw(described.name, described.type.shape.elements(), 0.2);
    } else {
      const auto indices = weight.coordinates[c].indices();
      inputs.indices[described.name].assign(indices.begin(), indices.end());
    }
  }
  Form on_weight(weight), on_input(weight);
  const auto a = on_weight.results(weight_side(on_weight, weight), inputs);
  const auto b = on_input.results(input_side(on_input), inputs);
  ASSERT_EQ(a.size(), b.size());
  for (const char* name : {"loss", "gradient/x", "gradient/left", "gradient/right"}) {
    double size = 0;
    for (const double v : a.at(name)) size = std::max(size, std::abs(v));
    ASSERT_GT(size, 1e-3) << name;
    for (std::size_t i = 0; i < a.at(name).size(); ++i) {
      EXPECT_NEAR(a.at(name)[i], b.at(name)[i], 1e-12 * size) << name << " " << i;
    }
  }
}

}  // namespace
}  // namespace isorbit::experiments
