#include "experiments/program/bench_products.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/passes/cost.hpp"
#include "experiments/timing/step_times.hpp"
#include "experiments/timing/stopwatch.hpp"

namespace isorbit::experiments {
namespace {

using core::MatrixProduct;

constexpr std::size_t kLeastRepeats = 3, kMostRepeats = 25;
constexpr double kEnoughMs = 50;     // of one layout of one product
constexpr double kLeastFlops = 2e5;  // below it one thread is faster than two
constexpr std::int64_t kRowsTogether = 16;

/// One thread's part of a product, bound to memory.
struct Part {
  dnnl::matmul primitive;
  std::unordered_map<int, dnnl::memory> arguments;
};

core::onednn::Layout stack(std::int64_t batch, std::int64_t rows, std::int64_t columns, bool transposed,
                           core::DType dtype) {
  return core::onednn::strided({batch, rows, columns},
                               {rows * columns, transposed ? 1 : columns, transposed ? rows : 1}, dtype);
}

dnnl::memory filled(const core::onednn::Layout& layout, const dnnl::engine& engine) {
  dnnl::memory memory(layout, engine);
  std::memset(memory.get_data_handle(), 0x3c, layout.get_size());  // 0.0115 in f32 and in bf16
  return memory;
}

Part part_of(const MatrixProduct& whole, const MatrixProduct& p, bool packed, const dnnl::engine& engine,
             std::optional<dnnl::memory>& shared) {
  // Rows of a transposed matrix are cut with the stride of the whole.
  const auto a = core::onednn::strided(
      {p.batch, p.m, p.k}, {whole.m * p.k, p.transpose_a ? 1 : p.k, p.transpose_a ? whole.m : 1}, p.operands);
  const auto y = stack(p.batch, p.m, p.n, false, p.result);
  const core::onednn::Layout b =
      packed ? core::onednn::Layout({p.batch, p.k, p.n}, core::onednn::type_of(p.operands),
                                    dnnl::memory::format_tag::any)
             : stack(p.batch, p.k, p.n, p.transpose_b, p.operands);
  const auto description = core::onednn::describe<dnnl::matmul>(engine, core::user_scratchpad(), a, b, y);
  const auto weights = description.weights_desc();
  if (!shared || p.batch != whole.batch || !(shared->get_desc() == weights)) shared = filled(weights, engine);
  return {dnnl::matmul(description),
          {{DNNL_ARG_SRC, filled(a, engine)},
           {DNNL_ARG_WEIGHTS, *shared},
           {DNNL_ARG_DST, filled(y, engine)},
           {DNNL_ARG_SCRATCHPAD, dnnl::memory(description.scratchpad_desc(), engine)}}};
}

std::vector<Part> parts_of(const core::Engine& engine, const MatrixProduct& whole, bool packed) {
  const bool by_batch = whole.batch > 1;
  const std::int64_t grain = by_batch ? 1 : kRowsTogether, extent = by_batch ? whole.batch : whole.m;
  const std::int64_t units = extent / grain;
  const std::int64_t count =
      whole.flops() < kLeastFlops
          ? 1
          : std::clamp<std::int64_t>(engine.threads(), 1, std::max<std::int64_t>(units, 1));
  std::vector<Part> parts;
  std::optional<dnnl::memory> shared;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = units * i / count * grain;
    const std::int64_t last = i + 1 == count ? extent : units * (i + 1) / count * grain;
    MatrixProduct piece = whole;
    (by_batch ? piece.batch : piece.m) = last - first;
    parts.push_back(part_of(whole, piece, packed, engine.onednn(), shared));
  }
  return parts;
}

}  // namespace

double time_product(core::Engine& engine, const MatrixProduct& product, bool packed) {
  std::vector<Part> parts = parts_of(engine, product, packed);
  const auto run = [&] {
    engine.parallel(static_cast<std::int64_t>(parts.size()), 1, [&](std::int64_t first, std::int64_t last) {
      for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
        parts[i].primitive.execute(engine.stream(i), parts[i].arguments);
    });
  };
  run();
  std::vector<double> times;
  double spent = 0;
  while (times.size() < kLeastRepeats || (times.size() < kMostRepeats && spent < kEnoughMs)) {
    const Stopwatch watch;
    run();
    times.push_back(watch.milliseconds());
    spent += times.back();
  }
  return median_of(std::move(times));
}

Ceiling measure_ceiling(const core::Program& program, int threads) {
  Ceiling ceiling;
  std::map<MatrixProduct, int> counts;
  for (const core::Step& step : program.steps()) {
    const core::Graph& graph = program.graph();
    for (const MatrixProduct& product : core::node_products(graph, graph.nodes[core::index(step.node)])) {
      ++counts[product];
      ceiling.flops += product.flops();
    }
  }
  core::Engine engine(threads);
  for (const auto& [product, count] : counts)
    ceiling.ms += count * std::min(time_product(engine, product, false), time_product(engine, product, true));
  return ceiling;
}

}  // namespace isorbit::experiments
