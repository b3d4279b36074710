// What every op card promises of shapes, numbers, costs and gradients, tested on every sample of every card:
// a new op is tested by existing. Of memory and threads: contract_storage_test.cpp.
#include <algorithm>
#include <set>

#include "core/graph/model_op.hpp"
#include "core/passes/cost.hpp"
#include "core/passes/passes.hpp"
#include "tests/ops/every_op.hpp"

namespace isorbit::ops::testing {

namespace {

using namespace core;

bool differentiable(const OpCard& card) { return card.grad || card.expand; }

bool has_numbers(const Sample& sample) {
  return std::any_of(sample.inputs.begin(), sample.inputs.end(),
                     [](const SampleInput& in) { return in.dtype == DType::f32; });
}

class EveryOp : public ::testing::TestWithParam<Case> {};
class EveryGradient : public ::testing::TestWithParam<Case> {};

TEST_P(EveryOp, ProducesTheShapeItInfers) {
  const Graph graph = one_node(GetParam().op, operands(GetParam()), GetParam().sample().attributes);
  const auto expected = evaluate(graph, reference_inputs(operands(GetParam())));
  const Result found = run(graph, operands(GetParam()));
  ASSERT_EQ(found.outputs.size(), graph.outputs.size());
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const auto elements = static_cast<std::size_t>(graph.shape(graph.outputs[i].value).elements());
    EXPECT_EQ(expected.at(graph.outputs[i].name).size(), elements);
    EXPECT_EQ(found.outputs[i].size(), elements);
  }
}

TEST_P(EveryOp, AgreesWithItsReferenceInDouble) {
  const Graph graph = one_node(GetParam().op, operands(GetParam()), GetParam().sample().attributes);
  const auto expected = evaluate(graph, reference_inputs(operands(GetParam())));
  const Result found = run(graph, operands(GetParam()));
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    EXPECT_LE(relative_error(found.outputs[i], expected.at(graph.outputs[i].name)), 2e-5) << "output " << i;
  }
}

TEST_P(EveryOp, CostsFiniteWork) {
  const Case& c = GetParam();
  std::vector<const TensorType*> types;
  const std::vector<Operand> given = operands(c);
  for (const Operand& o : given) types.push_back(&o.type);
  if (!c.card().flops) return;
  const Graph graph = one_node(c.op, given, c.sample().attributes);
  const double flops = c.card().flops(Infer(types, graph.nodes.back().attributes));
  EXPECT_TRUE(std::isfinite(flops) && flops >= 0) << flops;
}

TEST_P(EveryOp, ListsTheMatrixProductsItMakes) {
  const Case& c = GetParam();
  const bool multiplies = !c.card().narrow.operands.empty();
  EXPECT_TRUE(c.card().products || !multiplies) << "reads operands of products and lists none";
  if (!c.card().products) return;
  const Graph graph = one_node(c.op, operands(c), c.sample().attributes);
  const Node& node = graph.nodes.back();
  double flops = 0;
  for (const MatrixProduct& product : node_products(graph, node)) {
    EXPECT_GE(std::min({product.batch, product.m, product.k, product.n}), 1);
    EXPECT_EQ(product.operands, DType::f32);
    flops += product.flops();
  }
  EXPECT_GE(flops, node_cost(graph, node).flops / 2) << "they are most of its work";
}

/// Adding the op either works or is refused with a place in the node; nothing else may happen.
void expect_refusal_or_success(const Case& c, const std::vector<TensorType>& types, bool must_refuse) {
  Graph graph;
  std::vector<ValueId> in;
  for (const TensorType& type : types) in.push_back(graph.add_input("in" + std::to_string(in.size()), type));
  std::set<std::string> places = {"in"};
  for (std::size_t i = 0; i < c.card().inputs.size(); ++i) places.insert("in/" + std::to_string(i));
  for (const Field& f : c.card().attributes) places.insert(f.name);
  try {
    (void)Builder(graph, all_ops()).op(c.op, in, c.sample().attributes);
    EXPECT_FALSE(must_refuse) << "accepted";
  } catch (const OpError& error) {
    EXPECT_TRUE(places.contains(error.where)) << error.where << ": " << error.what();
    EXPECT_FALSE(error.found.empty());
    EXPECT_FALSE(error.expected.empty());
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not an OpError: " << error.what();
  }
}

TEST_P(EveryOp, RefusesWrongInputsByName) {
  std::vector<TensorType> types;
  for (const SampleInput& in : GetParam().sample().inputs) types.push_back({in.shape, in.dtype});
  for (std::size_t i = 0; i < types.size(); ++i) {
    SCOPED_TRACE("input " + std::to_string(i));
    std::vector<std::vector<std::int64_t>> wrong = {{}, types[i].shape.dims(), types[i].shape.dims()};
    wrong[1].insert(wrong[1].begin(), 2);
    if (wrong[2].size() > 0) wrong[2].pop_back();
    for (std::size_t d = 0; d < types[i].shape.rank(); ++d) {
      wrong.push_back(types[i].shape.dims());
      ++wrong.back()[d];
    }
    for (const std::vector<std::int64_t>& dims : wrong) {
      std::vector<TensorType> changed = types;
      changed[i].shape = Shape(dims);
      SCOPED_TRACE(changed[i].text());
      expect_refusal_or_success(GetParam(), changed, false);
    }
    std::vector<TensorType> changed = types;
    changed[i].dtype = types[i].dtype == DType::f32 ? DType::s32 : DType::f32;
    expect_refusal_or_success(GetParam(), changed, true);
  }
  if (!types.empty()) expect_refusal_or_success(GetParam(), {}, true);
  types.resize(GetParam().card().inputs.size() + 1, {Shape{2}, DType::f32});
  expect_refusal_or_success(GetParam(), types, true);
}

TEST_P(EveryOp, MakesTheWeightsItsShapeRuleWants) {
  const Case& c = GetParam();
  if (!c.card().parameters) return;
  std::vector<TensorType> types;
  for (const SampleInput& in : c.sample().inputs) types.push_back({in.shape, in.dtype});
  Json attributes = c.sample().attributes;
  for (const Field& f : c.card().attributes) {
    if (!attributes.contains(f.name) && f.fallback) attributes[f.name] = *f.fallback;
  }
  for (std::size_t data = 1; data < types.size(); ++data) {  // the weights are the last inputs, however many
    std::vector<const TensorType*> given;
    for (std::size_t i = 0; i < data; ++i) given.push_back(&types[i]);
    const std::vector<ParameterSlot> slots = c.card().parameters(Infer(given, attributes));
    if (data + slots.size() != types.size()) continue;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      EXPECT_EQ(slots[i].type, types[data + i]);
      EXPECT_EQ(slots[i].name, c.card().inputs[data + i].name);
      EXPECT_TRUE(slots[i].init.contains("kind"));
    }
    return;
  }
  ADD_FAILURE() << "no split into data inputs and weights fits the sample";
}

/// loss = sum over outputs of sum(y w), with w further operands.
Graph weighted_loss(const Case& c, std::vector<Operand>& given) {
  Graph graph;
  std::vector<ValueId> in = add_operands(graph, given, true);
  Builder build(graph, all_ops());
  ValueId loss = kNone;
  for (const ValueId y : build.all(c.op, in, c.sample().attributes)) {
    const Shape shape = graph.shape(y);
    given.push_back(normal(shape, c.op + "/weight" + std::to_string(given.size())));
    const ValueId weight = graph.add_input(input_name(given.size() - 1), given.back().type);
    std::vector<std::int64_t> axes;
    for (std::size_t d = 0; d < shape.rank(); ++d) axes.push_back(static_cast<std::int64_t>(d));
    const ValueId term = build.op("sum", {build.op("mul", {y, weight})}, {{"axes", axes}});
    loss = loss == kNone ? term : build.op("add", {loss, term});
  }
  graph.outputs = {{"loss", loss}};
  return graph;
}

TEST_P(EveryGradient, IsTheDirectionalDerivative) {
  std::vector<Operand> given = operands(GetParam());
  const std::size_t count = given.size();
  const Graph graph = weighted_loss(GetParam(), given);
  const auto gradients =
      evaluate(differentiate(expand(graph, all_ops()), all_ops()), reference_inputs(given));
  for (std::size_t i = 0; i < count; ++i) {
    if (given[i].type.dtype != DType::f32) continue;
    const std::vector<double>& gradient = gradients.at("gradient/" + input_name(i));
    const std::vector<double> direction = normal(given[i].type.shape, "direction" + std::to_string(i)).values;
    const auto loss_at = [&](double step) {
      ReferenceInputs moved = reference_inputs(given);
      std::vector<double>& x = moved.values.at(input_name(i));
      for (std::size_t j = 0; j < x.size(); ++j) x[j] += step * direction[j];
      return evaluate(graph, moved).at("loss")[0];
    };
    constexpr double h = 1e-4;
    const double slope = (loss_at(-2 * h) - 8 * loss_at(-h) + 8 * loss_at(h) - loss_at(2 * h)) / (12 * h);
    double expected = 0, norm = 0;
    for (std::size_t j = 0; j < gradient.size(); ++j)
      expected += gradient[j] * direction[j], norm += gradient[j] * gradient[j];
    EXPECT_LE(std::abs(slope - expected), 1e-6 * (std::abs(slope) + std::sqrt(norm)) + 1e-9)
        << "input " << i << ": " << slope << " " << expected;
  }
}

TEST(OpSet, HoldsOnlyCardsWithADescriptionAndSamples) {
  for (const auto& [name, card] : all_ops().cards()) {
    EXPECT_FALSE(card.samples.empty()) << name << " has no sample, so nothing tests it";
    EXPECT_FALSE(card.doc.empty()) << name;
    for (const Field& f : card.attributes) EXPECT_FALSE(f.help.empty()) << name << "." << f.name;
  }
}

TEST(ModelOps, AreWhatAnErrorListsAndNoGradientOrPartOfAMethodIs) {
  const std::vector<std::string> names = core::model_ops(all_ops());
  const auto has = [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  for (const char* name : {"add",
                           "attention",
                           "broadcast",
                           "cross_entropy",
                           "embedding",
                           "gather",
                           "gelu",
                           "layer_norm",
                           "linear",
                           "matmul",
                           "mean",
                           "mul",
                           "position_embedding",
                           "relu",
                           "reshape",
                           "rms_norm",
                           "rope",
                           "scale",
                           "silu",
                           "softmax",
                           "subtract",
                           "sum",
                           "swiglu",
                           "transpose"})
    EXPECT_TRUE(has(name)) << name;
  for (const std::string& name : names) EXPECT_FALSE(name.ends_with("_grad")) << name;
  for (const char* name :
       {"cayley_neumann", "skew", "dequantize", "matmul_add", "linear_cross_entropy", "fill", "cast"})
    EXPECT_FALSE(has(name)) << name;
}

INSTANTIATE_TEST_SUITE_P(Contract, EveryOp,
                         ::testing::ValuesIn(cases([](const OpCard&, const Sample&) { return true; })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Contract, EveryGradient,
                         ::testing::ValuesIn(cases([](const OpCard& card, const Sample& sample) {
                           return differentiable(card) && has_numbers(sample);
                         })),
                         test_name);
}  // namespace

}  // namespace isorbit::ops::testing
