// Product with a block-diagonal matrix, as POET rotates activations and weights: x [..., n], g [n/b, b, b],
//   block_matmul:       y[..., j b + c] = sum_a x[..., j b + a] g[j, a, c]      (transpose: g[j, c, a])
//   block_matmul_grad:  d[j] = x_j^T dy_j over all rows, with x_j [rows, b] the j-th columns (transpose:
//   dy_j^T x_j)
// Each is one batched oneDNN matmul whose matrices are row-strided views of x and y: measured as fast as the
// same product on a block-major copy, without the copies.
#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;
using core::onednn::Layout;

struct Blocks {
  std::int64_t rows, n, b, count;
};

/// Blocks first..last - 1 of the columns of a dense [rows, n]: block j is columns j b .. j b + b - 1;
/// transposed: seen as [b, rows].
struct Range {
  std::int64_t first, last;
  [[nodiscard]] std::int64_t count() const { return last - first; }
};

Layout columns(const Blocks& s, Range r, core::DType dtype, bool transposed = false) {
  if (transposed) return core::onednn::strided({r.count(), s.b, s.rows}, {s.b, 1, s.n}, dtype);
  return core::onednn::strided({r.count(), s.rows, s.b}, {s.b, s.n, 1}, dtype);
}

Layout squares(const Blocks& s, Range r, core::DType dtype, bool transposed) {
  return core::onednn::strided({r.count(), s.b, s.b}, {s.b * s.b, transposed ? 1 : s.b, transposed ? s.b : 1},
                               dtype);
}

/// slice(range) for every thread's share of the blocks.
template <class Slice>
core::Lowered sliced(const core::Lower& x, const Blocks& s, const Slice& slice) {
  const std::int64_t parts = std::min<std::int64_t>(x.engine().threads(), s.count);
  std::vector<core::Lowered::Slice> slices;
  for (std::int64_t i = 0; i < parts; ++i)
    slices.push_back(slice(Range{s.count * i / parts, s.count * (i + 1) / parts}));
  return core::Lowered::slices(std::move(slices));
}

std::size_t bytes(std::int64_t elements, core::DType dtype) {
  return static_cast<std::size_t>(elements) * core::size_of(dtype);
}

std::vector<core::TensorType> infer(const core::Infer& x) {
  least_rank(x, 0, 1);
  const Shape& g = x.in(1);
  const std::int64_t n = x.in(0).back();
  if (g.rank() != 3 || g[1] != g[2])
    x.refuse(1, "[blocks, b, b]", "it holds the blocks of a block-diagonal matrix");
  if (g[0] * g[1] != n) {
    x.refuse(1, "blocks times b = " + std::to_string(n),
             "the input " + x.in(0).text() + " has " + std::to_string(n) + " columns");
  }
  return like_first(x);
}

core::Lowered lower(const core::Lower& x) {
  const Blocks s{x.in(0).rows(), x.in(0).back(), x.in(1)[1], x.in(1)[0]};
  const core::DType in = x.type(0).dtype, square = x.type(1).dtype, out = x.out_type().dtype;
  return sliced(x, s, [&](Range r) {
    const Layout from = columns(s, r, in), to = columns(s, r, out),
                 g = squares(s, r, square, x.flag("transpose"));
    return core::Lowered::Slice(
        core::onednn::describe<dnnl::matmul>(x.engine().onednn(), core::user_scratchpad(), from, g, to),
        {{DNNL_ARG_SRC, false, 0, from, bytes(r.first * s.b, in)},
         {DNNL_ARG_WEIGHTS, false, 1, g, bytes(r.first * s.b * s.b, square)},
         {DNNL_ARG_DST, true, 0, to, bytes(r.first * s.b, out)}});
  });
}

std::vector<core::MatrixProduct> products(const core::Infer& x, std::span<const core::TensorType> out) {
  const std::int64_t b = x.in(1)[1];
  return {{x.in(1)[0], x.in(0).rows(), b, b, false, x.flag("transpose"), x.type(0).dtype, out[0].dtype}};
}

void grad(core::Grad& x) {
  core::Builder& build = x.build();
  const bool transpose = x.flag("transpose");
  const core::ValueId in = x.in(0), g = x.in(1), dy = x.dy();
  const std::int64_t b = x.shape(1)[1];
  x.set(0,
        build.op("block_matmul", {dy, g}, {{"transpose", !transpose}, {"precision", x.text("precision")}}));
  x.set(1, build.op("block_matmul_grad", {in, dy},
                    {{"size", b}, {"transpose", transpose}, {"precision", x.text("precision")}}));
}

void reference(const core::Ref& x) {
  const std::int64_t n = x.in_shape(0).back(), b = x.in_shape(1)[1];
  const bool transpose = x.flag("transpose");
  for (std::int64_t at = 0; at < x.in_shape(0).elements(); ++at) {
    const std::int64_t row = at / n, j = at % n / b, c = at % b;
    for (std::int64_t a = 0; a < b; ++a) {
      x.out()[static_cast<std::size_t>(at)] +=
          x.in(0)[static_cast<std::size_t>(row * n + j * b + a)] *
          x.in(1)[static_cast<std::size_t>(j * b * b + (transpose ? c * b + a : a * b + c))];
    }
  }
}

std::vector<core::TensorType> infer_grad(const core::Infer& x) {
  least_rank(x, 0, 1);
  same_shape(x, 1, 0, "x and dy have the same blocks");
  const std::int64_t n = x.in(0).back(), b = x.integer("size");
  if (n % b != 0) {
    x.refuse_attribute("size", std::to_string(b), "a divisor of " + std::to_string(n),
                       "the input is " + x.in(0).text());
  }
  return {f32(Shape{n / b, b, b})};
}

core::Lowered lower_grad(const core::Lower& x) {
  const Blocks s{x.in(0).rows(), x.in(0).back(), x.integer("size"), x.out()[0]};
  const std::size_t left = x.flag("transpose") ? 1 : 0;
  const core::DType a = x.type(left).dtype, b = x.type(1 - left).dtype, out = x.out_type().dtype;
  return sliced(x, s, [&](Range r) {
    const Layout across = columns(s, r, a, true), rows = columns(s, r, b), d = squares(s, r, out, false);
    return core::Lowered::Slice(
        core::onednn::describe<dnnl::matmul>(x.engine().onednn(), core::user_scratchpad(), across, rows, d),
        {{DNNL_ARG_SRC, false, left, across, bytes(r.first * s.b, a)},
         {DNNL_ARG_WEIGHTS, false, 1 - left, rows, bytes(r.first * s.b, b)},
         {DNNL_ARG_DST, true, 0, d, bytes(r.first * s.b * s.b, out)}});
  });
}

std::vector<core::MatrixProduct> products_grad(const core::Infer& x, std::span<const core::TensorType> out) {
  const std::int64_t b = x.integer("size");
  return {{out[0].shape[0], b, x.in(0).rows(), b, true, false, x.type(0).dtype, out[0].dtype}};
}

/// d = x_j^T dy_j is linear in both: dx_j = dy_j D^T, ddy_j = x_j D (and the other way round when
/// transposed).
void grad_grad(core::Grad& x) {
  core::Builder& build = x.build();
  const bool transpose = x.flag("transpose");
  const core::ValueId in = x.in(0), dy = x.in(1), d = x.dy();
  x.set(0,
        build.op("block_matmul", {dy, d}, {{"transpose", !transpose}, {"precision", x.text("precision")}}));
  x.set(1, build.op("block_matmul", {in, d}, {{"transpose", transpose}, {"precision", x.text("precision")}}));
}

void reference_grad(const core::Ref& x) {
  const std::int64_t n = x.in_shape(0).back(), b = x.integer("size"), rows = x.in_shape(0).rows();
  const bool transpose = x.flag("transpose");
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t at = 0; at < n * b; ++at) {
      const std::int64_t j = at / (b * b), a = at / b % b, c = at % b;
      x.out()[static_cast<std::size_t>(at)] +=
          x.in(transpose ? 1 : 0)[static_cast<std::size_t>(row * n + j * b + a)] *
          x.in(transpose ? 0 : 1)[static_cast<std::size_t>(row * n + j * b + c)];
    }
  }
}

core::OpCard product_card() {
  return {
      .name = "block_matmul",
      .doc = "rows times a block-diagonal matrix",
      .inputs = {{"x"}, {"g"}},
      .attributes = {flag_field("transpose", "use the transposed blocks", false), precision_field()},
      .infer = infer,
      .grad = grad,
      .lower = lower,
      .ref = reference,
      .flops =
          [](const core::Infer& x) { return 2.0 * static_cast<double>(x.in(0).elements() * x.in(1)[1]); },
      .products = products,
      .narrow = {.operands = {0, 1}, .outputs = {0}},
      .samples = {{{{{5, 12}}, {{3, 4, 4}}}},
                  {{{{5, 12}}, {{3, 4, 4}}}, {{"transpose", true}}},
                  {{{{2, 9, 128}}, {{2, 64, 64}}}},
                  {{{{3, 4}}, {{1, 4, 4}}}},
                  {{{{3, 4}}, {{4, 1, 1}}}}},
  };
}

core::OpCard grad_card() {
  return {
      .name = "block_matmul_grad",
      .doc = "gradient of the blocks of block_matmul",
      .inputs = {{"x"}, {"dy"}},
      .attributes = {integer_field("size", "rows and columns of a block", {}, 1),
                     flag_field("transpose", "the product used the transposed blocks", false),
                     precision_field()},
      .infer = infer_grad,
      .grad = grad_grad,
      .lower = lower_grad,
      .ref = reference_grad,
      .flops =
          [](const core::Infer& x) {
            return 2.0 * static_cast<double>(x.in(0).elements()) * static_cast<double>(x.integer("size"));
          },
      .products = products_grad,
      .narrow = {.operands = {0, 1}},
      .samples = {{{{{5, 12}}, {{5, 12}}}, {{"size", 4}}},
                  {{{{5, 12}}, {{5, 12}}}, {{"size", 4}, {"transpose", true}}},
                  {{{{2, 9, 128}}, {{2, 9, 128}}}, {{"size", 64}}}},
  };
}

}  // namespace

core::OpFamily block_matmul() { return {product_card(), grad_card()}; }

}  // namespace isorbit::ops
