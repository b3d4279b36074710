#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

using core::Json;
using core::Shape;

/// The definition, one head and one position at a time, in double. Key head of query head h: h / (heads /
/// kv_heads).
std::vector<double> by_definition(const Operand& q, const Operand& k, const Operand& v, std::int64_t heads,
                                  std::int64_t kv_heads, bool causal) {
  const std::int64_t batch = q.type.shape[0], s = q.type.shape[1], d = q.type.shape[2] / heads;
  std::vector<double> out(q.values.size(), 0.0);
  const auto at = [&](std::int64_t b, std::int64_t position, std::int64_t head, std::int64_t width,
                      std::int64_t i) {
    return static_cast<std::size_t>(((b * s + position) * width + head) * d + i);
  };
  for (std::int64_t task = 0; task < batch * heads * s; ++task) {
    const std::int64_t b = task / (heads * s), h = task / s % heads, r = task % s, g = h / (heads / kv_heads);
    std::vector<double> weight;
    double total = 0;
    for (std::int64_t c = 0; c < (causal ? r + 1 : s); ++c) {
      double score = 0;
      for (std::int64_t i = 0; i < d; ++i)
        score += q.values[at(b, r, h, heads, i)] * k.values[at(b, c, g, kv_heads, i)];
      weight.push_back(std::exp(score / std::sqrt(static_cast<double>(d))));
      total += weight.back();
    }
    for (std::size_t c = 0; c < weight.size(); ++c) {
      for (std::int64_t i = 0; i < d; ++i) {
        out[at(b, r, h, heads, i)] +=
            weight[c] / total * v.values[at(b, static_cast<std::int64_t>(c), g, kv_heads, i)];
      }
    }
  }
  return out;
}

TEST(Attention, AgreesWithItsDefinition) {
  for (const std::int64_t kv_heads : {1, 2, 4}) {
    for (const bool causal : {false, true}) {
      for (const std::int64_t positions : {9, 64, 150}) {
        const Operand q = normal({2, positions, 32}, "q"), k = normal({2, positions, 8 * kv_heads}, "k"),
                      v = normal({2, positions, 8 * kv_heads}, "v");
        const Json attributes = {{"heads", 4}, {"kv_heads", kv_heads}, {"causal", causal}};
        const std::vector<double> expected = by_definition(q, k, v, 4, kv_heads, causal);
        EXPECT_LE(relative_error(reference("attention", {q, k, v}, attributes), expected), 1e-13);
        EXPECT_LE(relative_error(run("attention", {q, k, v}, attributes).outputs[0], expected), 5e-6);
      }
    }
  }
}

TEST(Attention, GivesTheSameBitsOnAnyNumberOfThreads) {
  const Operand q = normal({1, 300, 48}, "q"), k = normal({1, 300, 16}, "k"), v = normal({1, 300, 16}, "v"),
                o = normal({1, 300, 48}, "o"), lse = normal({1, 3, 300}, "lse"),
                d = normal({1, 300, 48}, "do");
  const Json attributes = {{"heads", 3}, {"kv_heads", 1}};
  const auto forward = run("attention", {q, k, v}, attributes).outputs;
  const auto backward = run("attention_grad", {q, k, v, o, lse, d}, attributes).outputs;
  for (const int threads : {2, 3, 7}) {
    EXPECT_EQ(run("attention", {q, k, v}, attributes, threads).outputs, forward);
    EXPECT_EQ(run("attention_grad", {q, k, v, o, lse, d}, attributes, threads).outputs, backward);
  }
}

TEST(Attention, WhenCausalNeverReadsBlocksAboveTheDiagonal) {
  const Operand q = normal({1, 256, 8}, "q");
  Operand k = normal({1, 256, 8}, "k"), v = normal({1, 256, 8}, "v");
  const auto before = run("attention", {q, k, v}, {{"heads", 2}}).outputs[0];
  for (std::size_t i = 64 * 8; i < 256 * 8; ++i) k.values[i] = v.values[i] = NAN;
  const auto after = run("attention", {q, k, v}, {{"heads", 2}}).outputs[0];
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 64 * 8, after.begin()));
  EXPECT_TRUE(std::isnan(after.back()));
}

/// Gradients by q, k and v of the sum of o w, computed in the given storage; and the bytes it took.
struct Trained {
  std::vector<std::vector<float>> gradients;
  std::size_t arena_bytes = 0;
};

Trained train(const std::vector<Operand>& given, const Json& attributes, core::DType precision) {
  core::Graph graph;
  core::Builder build(graph, all_ops());
  const std::vector<core::ValueId> in = add_operands(graph, given, true);
  const core::ValueId o = build.op("attention", {in[0], in[1], in[2]}, attributes);
  graph.outputs = {{"loss", build.op("sum", {build.op("mul", {o, in[3]})}, {{"axes", {0, 1, 2}}})}};
  core::Engine engine(2);
  core::TensorStore store;
  core::CompileOptions options;
  options.precision = precision;
  core::Program program = core::compile(graph, all_ops(), options, engine, store);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::span<float> to = store.at(input_name(i)).values();
    std::copy(given[i].values.begin(), given[i].values.end(), to.begin());
  }
  program.run();
  Trained out{{}, program.arena_bytes()};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::span<float> y = program.output("gradient/" + input_name(i));
    out.gradients.emplace_back(y.begin(), y.end());
  }
  return out;
}

double root_mean_square_error(const std::vector<float>& found, const std::vector<float>& expected) {
  double off = 0, square = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double x = expected[i], error = found[i] - x;
    off += error * error, square += x * x;
  }
  return std::sqrt(off / square);
}

TEST(Attention, InBf16FollowsF32ToTheRoundingOfItsOperands) {
  for (const bool causal : {false, true}) {
    const std::vector<Operand> given = {normal({2, 100, 64}, "q"), normal({2, 100, 32}, "k"),
                                        normal({2, 100, 32}, "v"), normal({2, 100, 64}, "w")};
    const Json attributes = {{"heads", 4}, {"kv_heads", 2}, {"causal", causal}};
    const Trained f32 = train(given, attributes, core::DType::f32),
                  bf16 = train(given, attributes, core::DType::bf16);
    // q, k, v, do, the probabilities and ds are rounded to 8 bits, relative 2^-9 each, root mean square about
    // half of it: sums of independent errors come to some 2^-8.
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_LE(root_mean_square_error(bf16.gradients[i], f32.gradients[i]), 0.01) << i;
      EXPECT_GT(root_mean_square_error(bf16.gradients[i], f32.gradients[i]), 1e-5) << i;
    }
  }
}

TEST(Attention, NeverKeepsTheProbabilities) {
  const std::vector<Operand> given = {normal({1, 1024, 32}, "q"), normal({1, 1024, 32}, "k"),
                                      normal({1, 1024, 32}, "v"), normal({1, 1024, 32}, "w")};
  EXPECT_LT(train(given, {{"heads", 4}}, core::DType::f32).arena_bytes, 4U * 1024 * 1024 * sizeof(float) / 4);
}

TEST(Attention, WithGroupedKeysEqualsRepeatedKeyHeads) {
  const Operand q = normal({2, 5, 16}, "q"), k = normal({2, 5, 8}, "k"), v = normal({2, 5, 8}, "v");
  const auto repeated = [](const Operand& x) {  // heads a b -> a a b b, four features each
    Operand out = numbers({2, 5, 16}, {});
    for (std::size_t at = 0; at < 160; ++at)
      out.values.push_back(x.values[at / 16 * 8 + at % 16 / 8 * 4 + at % 4]);
    return out;
  };
  const auto grouped = run("attention", {q, k, v}, {{"heads", 4}, {"kv_heads", 2}});
  const auto full = run("attention", {q, repeated(k), repeated(v)}, {{"heads", 4}});
  EXPECT_LE(relative_error(grouped.outputs[0], full.outputs[0]), 1e-6);
}

TEST(Attention, WhenCausalIsNotMovedByLaterPositions) {
  const Operand q = normal({1, 6, 8}, "q");
  Operand k = normal({1, 6, 8}, "k"), v = normal({1, 6, 8}, "v");
  const auto before = run("attention", {q, k, v}, {{"heads", 2}}).outputs[0];
  for (std::size_t i = 4 * 8; i < 6 * 8; ++i) k.values[i] = 7, v.values[i] = -3;
  const auto after = run("attention", {q, k, v}, {{"heads", 2}}).outputs[0];
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 4 * 8, after.begin()));
  EXPECT_NE(before, after);
}

TEST(Attention, SaysWhichInputDoesNotSplitOverTheHeads) {
  core::Graph graph;
  const auto q = graph.add_input("q", {Shape{2, 5, 130}});
  try {
    (void)core::Builder(graph, all_ops()).op("attention", {q, q, q}, {{"heads", 4}});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "in/0");
    EXPECT_STREQ(error.what(),
                 "found 130; expected a multiple of heads = 4; because the last axis of [2, 5, 130] is split "
                 "over the heads");
  }
  const auto x = graph.add_input("x", {Shape{2, 5, 12}});
  try {
    (void)core::Builder(graph, all_ops()).op("attention", {x, x, x}, {{"heads", 4}, {"kv_heads", 3}});
    FAIL() << "accepted";
  } catch (const core::OpError& error) {
    EXPECT_EQ(error.where, "kv_heads");
    EXPECT_EQ(error.expected, "a divisor of heads = 4");
  }
}

}  // namespace

}  // namespace isorbit::ops::testing
