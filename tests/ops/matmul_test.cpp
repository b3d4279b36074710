#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::Shape;

TEST(Matmul, ScalesTheProductButNotTheBias) {
  const auto a = numbers({1, 2}, {1, 2}), b = numbers({2, 1}, {3, 4}), bias = numbers({1}, {100});
  EXPECT_EQ(run("matmul", {a, b, bias}, {{"alpha", 0.5}}).outputs[0], std::vector<float>{105.5F});
}

TEST(Matmul, TakesTheLeadingAxesOfAAsRowsWhenBIsAMatrix) {
  Operand a = normal({2, 3, 4}, "a");
  const Operand b = normal({5, 4}, "b");
  const auto deep = run("matmul", {a, b}, {{"transpose_b", true}}).outputs;
  a.type.shape = Shape{6, 4};
  EXPECT_EQ(deep, run("matmul", {a, b}, {{"transpose_b", true}}).outputs);
}

TEST(Matmul, RepeatsABatchOfOne) {
  const Operand a = normal({2, 3, 4, 5}, "a");
  Operand b = normal({2, 1, 5, 6}, "b");
  const auto broadcast = run("matmul", {a, b}).outputs;
  Operand repeated = numbers({2, 3, 5, 6}, {});
  for (std::size_t i = 0; i < 6; ++i) {
    const auto from = b.values.begin() + static_cast<std::ptrdiff_t>(i / 3 * 30);
    repeated.values.insert(repeated.values.end(), from, from + 30);
  }
  EXPECT_LE(relative_error(broadcast[0], run("matmul", {a, repeated}).outputs[0]), 1e-6);
}

TEST(Matmul, PacksAWeightOnceForAllProductsOfManyRowsInBf16) {
  if (!core::has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16 products";
  const std::vector<Operand> in = {normal({1024, 64}, "x"), normal({96, 64}, "w")};
  core::Graph graph;
  const std::vector<core::ValueId> ids = add_operands(graph, in, false);
  core::Builder build(graph, all_ops());
  const core::ValueId twice = build.op("scale", {ids[0]}, {{"factor", 2.0}});
  for (const core::ValueId x : {ids[0], twice}) {
    graph.outputs.push_back({"y" + std::to_string(graph.outputs.size()),
                             build.op("matmul", {x, ids[1]}, {{"transpose_b", true}})});
  }
  core::Engine engine(2);
  core::TensorStore store;
  core::CompileOptions options;
  options.differentiate = false;
  options.precision = core::DType::bf16;
  core::Program program = core::compile(graph, all_ops(), options, engine, store);
  std::int64_t reorders = 0;
  for (const core::Step& step : program.steps()) reorders += step.op == "reorder";
  EXPECT_EQ(reorders, 1);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::span<float> to = program.input(input_name(i));
    for (std::size_t j = 0; j < to.size(); ++j) to[j] = static_cast<float>(in[i].values[j]);
  }
  program.run();
  const auto expected = core::evaluate(graph, reference_inputs(in));
  for (const char* name : {"y0", "y1"})
    EXPECT_LE(relative_error(program.output(name), expected.at(name)), 0.03) << name;
}

TEST(Matmul, PacksASquareWeightAndItsTransposeApartInBf16) {
  if (!core::has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16 products";
  const std::vector<Operand> in = {normal({1024, 64}, "x"), normal({64, 64}, "w")};
  core::Graph graph;
  const std::vector<core::ValueId> ids = add_operands(graph, in, false);
  core::Builder build(graph, all_ops());
  graph.outputs = {{"forward", build.op("matmul", {ids[0], ids[1]}, {{"transpose_b", true}})},
                   {"backward", build.op("matmul", {ids[0], ids[1]})}};
  core::Engine engine(1);
  core::TensorStore store;
  core::CompileOptions options;
  options.differentiate = false;
  options.precision = core::DType::bf16;
  core::Program program = core::compile(graph, all_ops(), options, engine, store);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::span<float> to = program.input(input_name(i));
    for (std::size_t j = 0; j < to.size(); ++j) to[j] = static_cast<float>(in[i].values[j]);
  }
  program.run();
  const auto expected = core::evaluate(graph, reference_inputs(in));
  for (const char* name : {"forward", "backward"})
    EXPECT_LE(relative_error(program.output(name), expected.at(name)), 0.03) << name;
}

TEST(Matmul, IsFastCodeOnTheShapesOfTheModels) {
  struct Product {
    Shape a, b;
    bool transpose_a, transpose_b;
    double alpha;
  };
  const std::vector<Product> products = {
      {{16, 128, 128}, {320, 128}, false, true, 1},
      {{16, 128, 320}, {320, 128}, false, false, 1},
      {{2048, 320}, {2048, 128}, true, false, 1},
      {{16, 4, 128, 32}, {16, 4, 128, 32}, false, true, 0.2},
      {{16, 4, 128, 128}, {16, 4, 128, 32}, false, false, 1},
      {{16, 4, 128, 128}, {16, 4, 128, 32}, true, false, 1},
      {{4, 2, 2, 128, 32}, {4, 2, 1, 128, 32}, false, true, 1},
      {{4, 2, 256, 32}, {4, 2, 128, 32}, false, true, 0.2},
      {{5, 64, 64}, {5, 64, 64}, false, false, 1},
      {{5, 64, 64}, {5, 64, 128}, false, false, 1},
      {{5, 64, 64}, {5, 64, 128}, true, false, 1},
  };
  for (const Product& p : products) {
    const auto found =
        run("matmul", {normal(p.a, "a"), normal(p.b, "b")},
            {{"transpose_a", p.transpose_a}, {"transpose_b", p.transpose_b}, {"alpha", p.alpha}});
    EXPECT_EQ(found.implementations[0].find("ref"), std::string::npos)
        << p.a.text() << found.implementations[0];
  }
}

TEST(Matmul, NamesTheOperandThatDoesNotFit) {
  core::Graph graph;
  const auto a = graph.add_input("a", {Shape{2, 3, 4}}), b = graph.add_input("b", {Shape{5, 6}});
  core::Builder build(graph, all_ops());
  try {
    (void)build.op("matmul", {a, b});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "in/1");
    EXPECT_EQ(error.found, "[5, 6]");
    EXPECT_EQ(error.expected, "4 rows");
  }
  try {
    (void)build.op("matmul", {a, b}, {{"transpose_a", true}});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "transpose_a");
  }
}

TEST(Linear, MultipliesRowsByTheTransposedWeight) {
  const auto x = numbers({1, 2}, {1, 2}), w = numbers({3, 2}, {1, 0, 0, 1, 1, 1}),
             bias = numbers({3}, {10, 20, 30});
  EXPECT_EQ(run("linear", {x, w, bias}, {{"units", 3}, {"bias", true}}).outputs[0],
            (std::vector<float>{11, 22, 33}));
}

}  // namespace

}  // namespace isorbit::ops::testing
