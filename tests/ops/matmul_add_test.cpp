// A matrix product and what is added to it in one node: when it stands for two, and that no bit changes.
#include <gtest/gtest.h>

#include "core/passes/cost.hpp"
#include "core/passes/passes.hpp"
#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using namespace core;

std::int64_t count(const Graph& graph, std::string_view op) {
  return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return node.op->name == op; });
}

struct Sums {
  explicit Sums(std::vector<Operand> operands) : given(std::move(operands)) {
    in = add_operands(graph, given, false);
  }
  ValueId product(std::size_t a, std::size_t b) { return build.op("matmul", {in[a], in[b]}); }
  void output(ValueId value) { graph.outputs.push_back({"y" + std::to_string(graph.outputs.size()), value}); }

  std::vector<Operand> given;
  Graph graph;
  std::vector<ValueId> in;
  Builder build{graph, all_ops()};
};

TEST(MatmulAdd, StandsForTheSumWithAProductInEitherOrderToTheSameBits) {
  for (const bool biased : {false, true}) {
    for (const bool addend_first : {false, true}) {
      Sums s({normal({2, 40, 1500}, "x"), normal({70, 1500}, "w"), normal({70}, "bias"),
              normal({2, 40, 70}, "stream")});
      std::vector<ValueId> factors = {s.in[0], s.in[1]};
      if (biased) factors.push_back(s.in[2]);
      const ValueId made = s.build.op("matmul", factors, {{"transpose_b", true}});
      s.output(s.build.op("add", addend_first ? std::vector{s.in[3], made} : std::vector{made, s.in[3]}));
      const Graph fused = fuse(s.graph, all_ops());
      ASSERT_EQ(fused.nodes.size(), 1U);
      EXPECT_EQ(fused.nodes[0].op->name, "matmul_add");
      for (const int threads : {1, 2}) {
        CompileOptions apart;
        apart.differentiate = false;
        apart.fuse = false;
        Engine engine(threads);
        TensorStore store;
        Program program = compile(s.graph, all_ops(), apart, engine, store);
        for (std::size_t i = 0; i < s.given.size(); ++i)
          std::copy(s.given[i].values.begin(), s.given[i].values.end(), program.input(input_name(i)).begin());
        program.run();
        const std::span<float> y = program.output("y0");
        EXPECT_EQ(run(s.graph, s.given, threads).outputs[0], std::vector<float>(y.begin(), y.end()));
      }
    }
  }
}

TEST(MatmulAdd, AddsUpAChainOfProductsWhereTheyAreMade) {
  std::vector<Operand> given;
  for (const char* name : {"a", "b", "c"}) {
    given.push_back(normal({80, 1100}, name));
    given.push_back(normal({1100, 70}, std::string(name) + "w"));
  }
  Sums s(given);
  const ValueId first = s.product(0, 1), second = s.product(2, 3), third = s.product(4, 5);
  s.output(s.build.op("add", {s.build.op("add", {second, first}), third}));
  const Graph fused = fuse(s.graph, all_ops());
  EXPECT_EQ(count(fused, "matmul"), 1);
  EXPECT_EQ(count(fused, "matmul_add"), 2);
  EXPECT_EQ(fused.nodes.size(), 3U);
  Engine engine(1);
  const MemoryPlan plan = plan_memory(lower(fused, engine));
  EXPECT_EQ(plan.storage[index(fused.nodes[0].outputs[0])], plan.storage[index(fused.outputs[0].value)]);
  const auto expected = evaluate(s.graph, reference_inputs(given)).at("y0");
  for (const int threads : {1, 2}) {
    const auto found = run(s.graph, given, threads).outputs[0];
    EXPECT_LE(relative_error(found, expected), 2e-5);
    EXPECT_EQ(found, run(s.graph, given, 1).outputs[0]);
  }
}

TEST(MatmulAdd, LeavesAProductThatIsNeededElsewhereAndSumsOfUnequalShapes) {
  const std::vector<Operand> given = {normal({3, 4}, "a"), normal({4, 5}, "b"), normal({3, 5}, "c"),
                                      normal({5}, "d")};
  Sums read(given);
  const ValueId once = read.product(0, 1);
  read.output(read.build.op("add", {once, read.in[2]}));
  read.output(read.build.op("scale", {once}, {{"factor", 2.0}}));
  Sums asked(given);
  const ValueId kept = asked.product(0, 1);
  asked.output(asked.build.op("add", {kept, asked.in[2]}));
  asked.output(kept);
  Sums twice(given);
  const ValueId same = twice.product(0, 1);
  twice.output(twice.build.op("add", {same, same}));
  Sums repeated(given);
  repeated.output(repeated.build.op("add", {repeated.product(0, 1), repeated.in[3]}));
  for (const Sums* s : {&read, &asked, &twice, &repeated})
    EXPECT_EQ(dump_text(fuse(s->graph, all_ops())), dump_text(s->graph));
}

TEST(MatmulAdd, TakesTheOtherProductWhereOneIsNeededElsewhere) {
  Sums s({normal({3, 4}, "a"), normal({4, 5}, "b"), normal({3, 6}, "c"), normal({6, 5}, "d")});
  const ValueId first = s.product(0, 1), second = s.product(2, 3);
  s.output(s.build.op("add", {first, second}));
  s.output(second);
  const Graph fused = fuse(s.graph, all_ops());
  EXPECT_EQ(count(fused, "matmul_add"), 1);
  EXPECT_EQ(evaluate(fused, reference_inputs(s.given)), evaluate(s.graph, reference_inputs(s.given)));
}

TEST(MatmulAdd, InBf16KeepsTheAddendAndSharesThePackedWeight) {
  if (!has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16 products";
  Sums s({normal({1024, 64}, "x"), normal({64, 96}, "w"), normal({1024, 96}, "stream")});
  s.output(s.product(0, 1));
  const ValueId twice = s.build.op("scale", {s.in[0]}, {{"factor", 2.0}});
  s.output(s.build.op("add", {s.in[2], s.build.op("matmul", {twice, s.in[1]})}));
  CompileOptions options;
  options.differentiate = false;
  options.precision = DType::bf16;
  Engine engine(2);
  TensorStore store;
  Program program = compile(s.graph, all_ops(), options, engine, store);
  std::int64_t reorders = 0, sums = 0;
  for (const Step& step : program.steps()) {
    reorders += step.op == "reorder";
    if (step.op != "matmul_add") continue;
    ++sums;
    const Node& node = program.graph().nodes[index(step.node)];
    EXPECT_EQ(program.graph().value(node.inputs[1]).type.dtype, DType::bf16);
    EXPECT_EQ(program.graph().value(node.inputs[2]).type.dtype, DType::f32);
    EXPECT_EQ(node_products(program.graph(), node),
              (std::vector<MatrixProduct>{{1, 1024, 64, 96, false, false, DType::bf16, DType::f32}}));
  }
  EXPECT_EQ(sums, 1);
  EXPECT_EQ(reorders, 1);
  for (std::size_t i = 0; i < s.given.size(); ++i)
    std::copy(s.given[i].values.begin(), s.given[i].values.end(), program.input(input_name(i)).begin());
  program.run();
  const auto expected = evaluate(s.graph, reference_inputs(s.given));
  for (const char* name : {"y0", "y1"})
    EXPECT_LE(relative_error(program.output(name), expected.at(name)), 0.03) << name;
}

}  // namespace

}  // namespace isorbit::ops::testing
