// Attention, forward and backward, against the same written with reshape, transpose, matmul and softmax.
//     attention [--threads N] [--bf16]
// Best of many alternating runs, in milliseconds.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/graph/builder.hpp"
#include "core/passes/compile.hpp"
#include "ops/common.hpp"
#include "ops/registry.hpp"

namespace isorbit {

namespace {

using core::Builder;
using core::Shape;
using core::ValueId;

struct Case {
  const char* name;
  std::int64_t batch, positions, heads, kv_heads, features;
};

ValueId split(Builder& build, ValueId x, std::int64_t heads) {
  const Shape s = build.shape(x);
  x = ops::reshape_to(build, x, Shape{s[0], s[1], heads, s[2] / heads});
  return build.op("transpose", {x}, {{"axes", {0, 2, 1, 3}}});
}

ValueId expanded(Builder& build, ValueId q, ValueId k, ValueId v, const Case& c) {
  const std::int64_t rows = c.heads / c.kv_heads * c.positions;
  k = split(build, k, c.kv_heads), v = split(build, v, c.kv_heads);
  q = ops::reshape_to(build, split(build, q, c.heads), Shape{c.batch, c.kv_heads, rows, c.features});
  const double scale = 1 / std::sqrt(static_cast<double>(c.features));
  ValueId p = build.op("matmul", {q, k}, {{"transpose_b", true}, {"alpha", scale}});
  p = ops::reshape_to(build, p, Shape{c.batch, c.heads, c.positions, c.positions});
  p = build.op("softmax", {p}, {{"causal", true}});
  p = ops::reshape_to(build, p, Shape{c.batch, c.kv_heads, rows, c.positions});
  ValueId o = build.op("matmul", {p, v});
  o = ops::reshape_to(build, o, Shape{c.batch, c.heads, c.positions, c.features});
  o = build.op("transpose", {o}, {{"axes", {0, 2, 1, 3}}});
  return ops::reshape_to(build, o, Shape{c.batch, c.positions, c.heads * c.features});
}

struct Timed {
  core::TensorStore store;
  std::unique_ptr<core::Program> program;
  double best = 1e9;
};

void compile(Timed& timed, const Case& c, bool fused, core::DType precision, core::Engine& engine) {
  static const core::OpSet set(ops::registered());
  core::Graph graph;
  const auto parameter = [&](const char* name, std::int64_t heads) {
    return graph.add_parameter(name, {Shape{c.batch, c.positions, heads * c.features}, core::DType::f32},
                               true, {{"kind", "zeros"}});
  };
  const ValueId q = parameter("q", c.heads), k = parameter("k", c.kv_heads), v = parameter("v", c.kv_heads);
  Builder build(graph, set);
  const ValueId o = fused ? build.op("attention", {q, k, v}, {{"heads", c.heads}, {"kv_heads", c.kv_heads}})
                          : expanded(build, q, k, v, c);
  const ValueId loss = build.op("sum", {o}, {{"axes", {0, 1, 2}}});
  graph.outputs = {{"loss", loss}};
  core::CompileOptions options;
  options.precision = precision;
  timed.program = std::make_unique<core::Program>(core::compile(graph, set, options, engine, timed.store));
}

void run(Timed& timed) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  timed.program->run();
  timed.best = std::min(timed.best, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
}

void measure(const Case& c, core::DType precision, core::Engine& engine) {
  Timed fused, plain;
  compile(fused, c, true, precision, engine);
  compile(plain, c, false, precision, engine);
  for (int i = 0; i < 40; ++i) run(fused), run(plain);
  std::printf("%-22s %s %d threads  fused %7.3f ms  written out %7.3f ms  ratio %.2f\n", c.name,
              core::name_of(precision), engine.threads(), fused.best, plain.best, plain.best / fused.best);
}

}  // namespace

}  // namespace isorbit

int main(int count, char** arguments) {
  int threads = 1;
  isorbit::core::DType precision = isorbit::core::DType::f32;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--bf16") == 0) precision = isorbit::core::DType::bf16;
    if (std::strcmp(arguments[i], "--threads") == 0 && i + 1 < count) threads = std::atoi(arguments[++i]);
  }
  isorbit::core::Engine engine(threads);
  for (const isorbit::Case& c : {isorbit::Case{"micro 16x128 4x32", 16, 128, 4, 4, 32},
                                 {"tiny 8x256 4x64", 8, 256, 4, 4, 64},
                                 {"small 8x256 8x64", 8, 256, 8, 8, 64},
                                 {"grouped 8x256 8on2x64", 8, 256, 8, 2, 64},
                                 {"long 1x2048 8x64", 1, 2048, 8, 8, 64}}) {
    isorbit::measure(c, precision, engine);
  }
}
