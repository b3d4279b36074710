// What every op's kernel promises of memory and threads, on every sample of every card: the same bits twice,
// on several threads and in an input's buffer, and rounding alone where tensors are stored in bf16.
#include <algorithm>
#include <set>

#include "core/passes/passes.hpp"
#include "core/runtime/bf16.hpp"
#include "tests/ops/every_op.hpp"

namespace isorbit::ops::testing {

namespace {

using namespace core;

class EveryKernel : public ::testing::TestWithParam<Case> {};
class EveryInPlaceOp : public ::testing::TestWithParam<Case> {};
class EveryNarrowOp : public ::testing::TestWithParam<Case> {};

TEST_P(EveryKernel, GivesTheSameBitsTwiceAndOnTwoThreads) {
  const Graph graph = one_node(GetParam().op, operands(GetParam()), GetParam().sample().attributes);
  const Result once = run(graph, operands(GetParam()), 1, 1);
  EXPECT_EQ(once.outputs, run(graph, operands(GetParam()), 1, 2).outputs);
  const bool own = std::all_of(once.implementations.begin(), once.implementations.end(),
                               [](const std::string& name) { return name.rfind("own:", 0) == 0; });
  if (own) {
    EXPECT_EQ(once.outputs, run(graph, operands(GetParam()), 2).outputs);
  }
}

TEST_P(EveryKernel, NeverFallsToOneDnnsReferenceCode) {
  for (const std::string& name :
       run(one_node(GetParam().op, operands(GetParam()), GetParam().sample().attributes),
           operands(GetParam()))
           .implementations) {
    EXPECT_FALSE(name.empty());
    EXPECT_NE(name.rfind("ref", 0), 0U) << name;
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

INSTANTIATE_TEST_SUITE_P(Storage, EveryKernel,
                         ::testing::ValuesIn(cases([](const OpCard&, const Sample&) { return true; })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Storage, EveryInPlaceOp,
                         ::testing::ValuesIn(cases([](const OpCard& card, const Sample&) {
                           return !card.in_place.empty();
                         })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Storage, EveryNarrowOp,
                         ::testing::ValuesIn(cases([](const OpCard& card, const Sample&) {
                           const Narrow& n = card.narrow;
                           return !(n.operands.empty() && n.inputs.empty() && n.outputs.empty());
                         })),
                         test_name);

}  // namespace

}  // namespace isorbit::ops::testing
