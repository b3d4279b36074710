// What every op card promises, tested on every sample of every card: a new op is tested by existing.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/passes/cost.hpp"
#include "core/passes/passes.hpp"
#include "core/runtime/bf16.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using namespace core;

struct Case {
  std::string op;
  std::size_t index = 0;
  [[nodiscard]] const OpCard& card() const { return all_ops().at(op); }
  [[nodiscard]] const Sample& sample() const { return card().samples[index]; }
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  out << c.op << " " << c.sample().attributes.dump();
  for (const SampleInput& in : c.sample().inputs) out << " " << in.shape.text();
  return out;
}

bool differentiable(const OpCard& card) { return card.grad || card.expand; }

bool has_numbers(const Sample& sample) {
  return std::any_of(sample.inputs.begin(), sample.inputs.end(),
                     [](const SampleInput& in) { return in.dtype == DType::f32; });
}

std::vector<Case> cases(const std::function<bool(const OpCard&, const Sample&)>& wanted) {
  std::vector<Case> out;
  for (const auto& [name, card] : all_ops().cards()) {
    for (std::size_t i = 0; i < card.samples.size(); ++i) {
      if (wanted(card, card.samples[i])) out.push_back({name, i});
    }
  }
  return out;
}

std::vector<Operand> operands(const Case& c) {
  std::vector<Operand> out;
  for (const SampleInput& in : c.sample().inputs) {
    const std::string name = c.op + std::to_string(c.index) + "/" + std::to_string(out.size());
    out.push_back(in.dtype == DType::f32 ? normal(in.shape, name)
                                         : indices(in.shape, in.below, in.distinct, name));
  }
  return out;
}

std::string test_name(const ::testing::TestParamInfo<Case>& info) {
  return info.param.op + "_" + std::to_string(info.param.index);
}

class EveryOp : public ::testing::TestWithParam<Case> {};
class EveryGradient : public ::testing::TestWithParam<Case> {};
class EveryInPlaceOp : public ::testing::TestWithParam<Case> {};
class EveryNarrowOp : public ::testing::TestWithParam<Case> {};

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

TEST_P(EveryOp, GivesTheSameBitsTwiceAndOnTwoThreads) {
  const Graph graph = one_node(GetParam().op, operands(GetParam()), GetParam().sample().attributes);
  const Result once = run(graph, operands(GetParam()), 1, 1);
  EXPECT_EQ(once.outputs, run(graph, operands(GetParam()), 1, 2).outputs);
  const bool own = std::all_of(once.implementations.begin(), once.implementations.end(),
                               [](const std::string& name) { return name.rfind("own:", 0) == 0; });
  if (own) {
    EXPECT_EQ(once.outputs, run(graph, operands(GetParam()), 2).outputs);
  }
}

TEST_P(EveryOp, NeverFallsToOneDnnsReferenceCode) {
  for (const std::string& name :
       run(one_node(GetParam().op, operands(GetParam()), GetParam().sample().attributes),
           operands(GetParam()))
           .implementations) {
    EXPECT_FALSE(name.empty());
    EXPECT_NE(name.rfind("ref", 0), 0U) << name;
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

TEST_P(EveryInPlaceOp, GivesTheSameBitsInItsInputsBuffer) {
  const Case& c = GetParam();
  const std::vector<Operand> given = operands(c);
  const std::vector<std::vector<float>> expected = run(c.op, given, c.sample().attributes).outputs;
  Graph graph;
  std::vector<ValueId> in = add_operands(graph, given, false);
  Builder build(graph, all_ops());
  for (std::size_t i = 0; i < in.size(); ++i) {  // a computed value may be overwritten where it dies
    if (given[i].type.dtype == DType::f32) in[i] = build.op("scale", {in[i]}, {{"factor", 1.0}});
  }
  const std::vector<ValueId> out = build.all(c.op, in, c.sample().attributes);
  for (std::size_t i = 0; i < out.size(); ++i) graph.outputs.push_back({"y" + std::to_string(i), out[i]});
  Engine engine(1);
  const MemoryPlan plan = plan_memory(lower(graph, engine));
  const auto& [from, to] = c.card().in_place.front();
  if (given[from].type.bytes() == graph.value(out[to]).type.bytes()) {
    EXPECT_EQ(plan.storage[static_cast<std::size_t>(in[from])],
              plan.storage[static_cast<std::size_t>(out[to])]);
  }
  EXPECT_EQ(run(graph, given).outputs, expected);
}

/// Slots that may be stored in bf16, one after the other: all operands (together), single inputs, single
/// outputs.
struct Storage {
  std::set<std::size_t> inputs, outputs;
};

std::vector<Storage> storages(const Case& c, std::size_t outputs) {
  const Narrow& narrow = c.card().narrow;
  const auto given = [&](std::size_t slot) { return slot < c.sample().inputs.size(); };
  std::vector<Storage> out(1);
  for (const std::size_t slot : narrow.operands)
    if (given(slot)) out[0].inputs.insert(slot);
  const auto twice = [&](std::set<std::size_t> Storage::*member, std::size_t slot) {
    for (std::size_t i = 0, n = out.size(); i < n; ++i) {
      out.push_back(out[i]);
      (out.back().*member).insert(slot);
    }
  };
  for (const std::size_t slot : narrow.inputs)
    if (given(slot)) twice(&Storage::inputs, slot);
  for (const std::size_t port : narrow.outputs)
    if (port < outputs) twice(&Storage::outputs, port);
  return out;
}

/// The op with its tensors so stored, between casts from and to f32.
Graph stored(const Case& c, const std::vector<Operand>& given, const Storage& storage) {
  Graph graph = one_node(c.op, given, c.sample().attributes);
  Node node = graph.nodes.back();
  std::vector<TensorType> types = infer_types(graph, node);
  graph.nodes.clear();
  graph.values.resize(given.size());
  graph.outputs.clear();
  const OpCard& cast = all_ops().with(Duty::cast);
  const auto to = [&](ValueId v, DType dtype) {
    Node made;
    made.op = &cast;
    made.attributes = {{"to", name_of(dtype)}};
    made.inputs = {v};
    const NodeId id = graph.add_node(std::move(made), {{graph.shape(v), dtype}});
    return graph.nodes[static_cast<std::size_t>(id)].outputs[0];
  };
  for (const std::size_t slot : storage.inputs) node.inputs[slot] = to(node.inputs[slot], DType::bf16);
  for (const std::size_t port : storage.outputs) types[port].dtype = DType::bf16;
  node.outputs.clear();
  const NodeId id = graph.add_node(std::move(node), types);
  const std::vector<ValueId> made = graph.nodes[static_cast<std::size_t>(id)].outputs;
  for (std::size_t port = 0; port < made.size(); ++port) {
    const ValueId y = types[port].dtype == DType::bf16 ? to(made[port], DType::f32) : made[port];
    graph.outputs.push_back({"y" + std::to_string(port), y});
  }
  return graph;
}

/// How far found is from expected, where 1 is what rounding allows. A result stored in bf16 is off by 2^-8 of
/// itself. A kernel that multiplies several times may store in bf16 what lies between, each term of a result
/// off by 2^-8 of itself at each of two roundings: a result that is one large term by 2^-8 of itself, one
/// that is a sum of terms by less than 2^-6 of the results' root mean square (3.5 standard deviations of two
/// evenly spread errors, with room for terms of unequal size). f32 sums are off by 2e-5 of that, as without
/// bf16.
double excess(const std::vector<float>& found, const std::vector<double>& expected, bool is_stored,
              bool multiplies) {
  double square = 0, most = 0;
  for (const double y : expected) square += y * y;
  const double rms = std::sqrt(square / static_cast<double>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double allowed =
        (is_stored ? std::ldexp(std::abs(expected[i]), -8) : 0) +
        (multiplies ? std::ldexp(std::abs(expected[i]), -8) + std::ldexp(rms, -6) : 2e-5 * rms) + 1e-30;
    const double off = std::abs(static_cast<double>(found[i]) - expected[i]) / allowed;
    most = off <= most ? most : off;  // NaN is kept
  }
  return most;
}

TEST_P(EveryNarrowOp, AgreesWithItsReferenceHoweverItsTensorsAreStored) {
  const Case& c = GetParam();
  const bool multiplies = !c.card().narrow.operands.empty();
  if (multiplies && effective_isa().rfind("avx512_core", 0) != 0)
    GTEST_SKIP() << "oneDNN multiplies bf16 with AVX-512 only";
  const Graph plain = one_node(c.op, operands(c), c.sample().attributes);
  for (const Storage& storage : storages(c, plain.outputs.size())) {
    std::vector<Operand> given = operands(c);
    for (const std::size_t slot : storage.inputs)
      for (double& x : given[slot].values) x = widen(round_to_bf16(static_cast<float>(x)));
    const auto expected = evaluate(plain, reference_inputs(given));
    const Result found = run(stored(c, given, storage), given), again = run(stored(c, given, storage), given);
    EXPECT_EQ(found.outputs, again.outputs);
    for (const std::string& name : found.implementations) EXPECT_NE(name.rfind("ref", 0), 0U) << name;
    for (std::size_t i = 0; i < found.outputs.size(); ++i) {
      EXPECT_LE(excess(found.outputs[i], expected.at("y" + std::to_string(i)), storage.outputs.contains(i),
                       multiplies),
                1)
          << "output " << i << ", in bf16: inputs " << ::testing::PrintToString(storage.inputs)
          << ", outputs " << ::testing::PrintToString(storage.outputs);
    }
  }
}

TEST(OpSet, HoldsOnlyCardsWithADescriptionAndSamples) {
  for (const auto& [name, card] : all_ops().cards()) {
    EXPECT_FALSE(card.samples.empty()) << name << " has no sample, so nothing tests it";
    EXPECT_FALSE(card.doc.empty()) << name;
    for (const Field& f : card.attributes) EXPECT_FALSE(f.help.empty()) << name << "." << f.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Contract, EveryOp,
                         ::testing::ValuesIn(cases([](const OpCard&, const Sample&) { return true; })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Contract, EveryGradient,
                         ::testing::ValuesIn(cases([](const OpCard& card, const Sample& sample) {
                           return differentiable(card) && has_numbers(sample);
                         })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Contract, EveryInPlaceOp,
                         ::testing::ValuesIn(cases([](const OpCard& card, const Sample&) {
                           return !card.in_place.empty();
                         })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Contract, EveryNarrowOp,
                         ::testing::ValuesIn(cases([](const OpCard& card, const Sample&) {
                           const Narrow& n = card.narrow;
                           return !(n.operands.empty() && n.inputs.empty() && n.outputs.empty());
                         })),
                         test_name);

}  // namespace

}  // namespace isorbit::ops::testing
