// What OpCard::scaling declares, on every sample of every card that has it: inputs scaled by any factors that
// fit the declaration give outputs scaled as it says, in double.
#include "core/graph/scaling.hpp"

#include <gtest/gtest.h>

#include "core/passes/passes.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {
namespace {

using namespace core;

double drawn_factor(const GraphScales& all, LogScales::Variable v) {
  double log = 0;
  for (const LogScales::Term& term : all.scales.of(v))
    log += term.power * 0.5 * Philox(3, 1).normal(static_cast<std::uint64_t>(term.unknown));
  return std::exp(log);
}

/// Multiplies the values of a tensor by the factors of their channels, and rows where there are any.
void scale(const GraphScales& all, const Graph& graph, ValueId id, std::vector<double>& values) {
  const Channels channels = all.channels[index(id)];
  const auto rows = all.rows.find(id);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    values[i] *= drawn_factor(all, channels[at % channels.count]);
    if (rows != all.rows.end()) values[i] *= drawn_factor(all, rows->second[at / graph.shape(id).back()]);
  }
}

bool is_free(const GraphScales& all, const Graph& graph) {
  for (const Parameter& p : graph.parameters)
    for (std::int64_t c = 0; c < all.channels[index(p.value)].count; ++c)
      if (!all.scales.of(all.channels[index(p.value)][c]).empty()) return true;
  return false;
}

TEST(Scaling, EveryDeclarationHoldsForEverySampleOfItsOp) {
  std::size_t held = 0;
  for (const auto& [name, card] : all_ops().cards()) {
    if (!card.scaling) continue;
    for (std::size_t s = 0; s < card.samples.size(); ++s) {
      std::vector<Operand> operands;
      for (const SampleInput& in : card.samples[s].inputs) {
        const std::string stream = name + std::to_string(s) + "/" + std::to_string(operands.size());
        operands.push_back(in.dtype == DType::f32 ? normal(in.shape, stream)
                                                  : indices(in.shape, in.below, in.distinct, stream));
      }
      Graph graph;
      const std::vector<ValueId> in = add_operands(graph, operands, true);
      Node node{&card, Json::object(), in, {}, "node", ""};
      Problems problems;
      const Document nowhere{"", Json(), {}};
      node.attributes = resolve(card.samples[s].attributes, Spec::object(card.attributes),
                                {&nowhere, "", nullptr}, problems);
      problems.throw_if_any();
      const std::vector<TensorType> types = infer_types(graph, node);
      const std::vector<ValueId> out = graph.nodes[index(graph.add_node(node, types))].outputs;
      const GraphScales all(graph);  // nobody asks for the outputs yet: they may take factors
      for (std::size_t i = 0; i < out.size(); ++i) graph.outputs.push_back({"y" + std::to_string(i), out[i]});
      const Graph runnable = expand_all(graph, all_ops());
      auto expected = evaluate(runnable, reference_inputs(operands));
      for (std::size_t i = 0; i < in.size(); ++i) scale(all, graph, in[i], operands[i].values);
      const auto found = evaluate(runnable, reference_inputs(operands));
      for (const GraphOutput& output : graph.outputs) {
        scale(all, graph, output.value, expected.at(output.name));
        EXPECT_LE(relative_error(found.at(output.name), expected.at(output.name)), 1e-12)
            << name << " sample " << s << " " << output.name;
      }
      held += is_free(all, graph) ? 1 : 0;
    }
  }
  EXPECT_GT(held, 20U) << "declarations that leave nothing free are no test";
}

}  // namespace
}  // namespace isorbit::ops::testing
