#include "experiments/program/bench_products.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>

#include "core/graph/op.hpp"
#include "experiments/program/bench_timing.hpp"

namespace isorbit::experiments {
namespace {

using Clock = std::chrono::steady_clock;
using core::Shape;

constexpr std::size_t kLeastRepeats = 3, kMostRepeats = 25;
constexpr double kEnoughMs = 100;    // of one layout of one product
constexpr double kLeastFlops = 2e5;  // below it one thread is faster than two
constexpr std::int64_t kRowsTogether = 16;

bool flag(const core::Node& node, const char* name) {
  return node.attributes.contains(name) && node.attributes.at(name).is_boolean() &&
         node.attributes.at(name).get<bool>();
}

/// Batched matrices, or rows of any shape times one matrix.
Product matrix_product(const Shape& a, const Shape& b, const Shape& y, const core::Node& node) {
  Product p;
  p.transpose_a = flag(node, "transpose_a");
  p.transpose_b = flag(node, "transpose_b");
  p.n = y.back();
  p.k = a.back(p.transpose_a ? 1 : 0);
  p.m = y.back(1);
  if (b.rank() == 2 && !p.transpose_a) {
    p.m = y.rows();
  } else {
    p.batch = y.elements() / (p.m * p.n);
  }
  return p;
}

bool is_square_blocks(const Shape& shape) { return shape.rank() == 3 && shape[1] == shape[2]; }

/// Rows times a block-diagonal matrix [blocks, b, b], or the gradient of the blocks.
std::optional<Product> block_product(const Shape& a, const Shape& b, const Shape& y, const core::Node& node) {
  const bool transpose = flag(node, "transpose");
  if (is_square_blocks(b) && y == a && y.back() == b[0] * b[1])
    return Product{b[0], a.rows(), b[1], b[1], false, transpose};
  if (is_square_blocks(y) && a == b && a.back() == y[0] * y[1])
    return Product{y[0], y[1], a.rows(), y[1], true, false};
  return {};
}

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

Part part_of(const Product& whole, const Product& p, bool packed, const dnnl::engine& engine,
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

std::vector<Part> parts_of(const core::Engine& engine, const Product& whole, bool packed) {
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
    Product piece = whole;
    (by_batch ? piece.batch : piece.m) = last - first;
    parts.push_back(part_of(whole, piece, packed, engine.onednn(), shared));
  }
  return parts;
}

}  // namespace

std::optional<Product> product_of(const core::Graph& graph, const core::Step& step) {
  const core::Node& node = graph.nodes[static_cast<std::size_t>(step.node)];
  const std::vector<std::size_t>& operands = node.op->narrow.operands;
  if (operands.size() != 2) return {};
  const core::TensorType& a = graph.value(node.inputs[operands[0]]).type;
  const core::TensorType& b = graph.value(node.inputs[operands[1]]).type;
  const core::TensorType& y = graph.value(node.outputs.front()).type;
  if (a.dtype != b.dtype || a.shape.rank() < 2 || b.shape.rank() < 2 || y.shape.rank() < 2) return {};
  std::optional<Product> product = node.attributes.contains("transpose_b")
                                       ? matrix_product(a.shape, b.shape, y.shape, node)
                                       : block_product(a.shape, b.shape, y.shape, node);
  if (!product) return {};
  product->operands = a.dtype;
  product->result = y.dtype;
  // A few operations an element of the result may come after the product in the same kernel.
  const double more = 8.0 * static_cast<double>(y.shape.elements());
  if (step.flops < product->flops() || step.flops > product->flops() + more) return {};
  return product;
}

double time_product(core::Engine& engine, const Product& product, bool packed) {
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
    const Clock::time_point start = Clock::now();
    run();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    spent += times.back();
  }
  return median_of(std::move(times));
}

Ceiling measure_ceiling(const core::Program& program, int threads) {
  Ceiling ceiling;
  std::map<Product, int> counts;
  std::set<std::string> estimated;
  for (const core::Step& step : program.steps()) {
    const core::Node& node = program.graph().nodes[static_cast<std::size_t>(step.node)];
    if (node.op->narrow.operands.empty()) continue;
    if (const std::optional<Product> product = product_of(program.graph(), step)) {
      ++counts[*product];
      ceiling.measured_flops += product->flops();
    } else {
      ceiling.estimated_flops += step.flops;
      estimated.insert(step.op);
    }
  }
  ceiling.estimated.assign(estimated.begin(), estimated.end());
  core::Engine engine(threads);
  for (const auto& [product, count] : counts) {
    const double best = std::min(time_product(engine, product, false), time_product(engine, product, true));
    ceiling.ms += best * count;
  }
  if (ceiling.measured_flops > 0) ceiling.ms *= 1 + ceiling.estimated_flops / ceiling.measured_flops;
  return ceiling;
}

}  // namespace isorbit::experiments
