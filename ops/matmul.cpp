// y = alpha * op(a) op(b) + bias,  op(a) [..., M, K], op(b) [..., K, N], bias [N], y [..., M, N]; op is the
// identity or swaps the last two axes. Batch axes are equal, or 1 on either side. When b is a matrix and a
// has more axes, a's leading axes are rows: y [..., N]. One oneDNN matmul; transposes are strides over the
// dense data.
//
// With D = alpha * dy:  dop(a) = D op(b)^T,  dop(b) = op(a)^T D (summed over broadcast batches),  dbias = sum
// of dy.
#include <algorithm>

#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

struct Geometry {
  std::vector<std::int64_t> a_batch, b_batch, batch;  // of equal rank
  std::int64_t m = 0, n = 0, k = 0;                   // m counts the flattened rows
  Shape result;
};

std::vector<std::int64_t> leading(const Shape& s) { return {s.dims().begin(), s.dims().end() - 2}; }

Geometry geometry(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  Geometry g;
  g.n = b.back(transpose_b ? 1 : 0);
  std::vector<std::int64_t> result;
  if (b.rank() == 2 && a.rank() > 2) {
    g.m = a.rows();
    g.k = a.back();
    result = {a.dims().begin(), a.dims().end() - 1};
  } else {
    g.a_batch = leading(a), g.b_batch = leading(b);
    for (std::size_t i = 0; i < g.a_batch.size(); ++i)
      g.batch.push_back(std::max(g.a_batch[i], g.b_batch[i]));
    g.m = a.back(transpose_a ? 0 : 1);
    g.k = a.back(transpose_a ? 1 : 0);
    result = g.batch;
    result.push_back(g.m);
  }
  result.push_back(g.n);
  g.result = Shape(std::move(result));
  return g;
}

Geometry geometry(const core::Infer& x) {
  return geometry(x.in(0), x.in(1), x.flag("transpose_a"), x.flag("transpose_b"));
}

std::vector<core::TensorType> infer(const core::Infer& x) {
  least_rank(x, 0, 2, "a matrix product needs matrices");
  least_rank(x, 1, 2, "a matrix product needs matrices");
  const Shape &a = x.in(0), &b = x.in(1);
  if (a.rank() > 12) x.refuse(0, "at most 12 dimensions");
  const bool flat = b.rank() == 2 && a.rank() > 2;
  if (flat && x.flag("transpose_a")) {
    x.refuse_attribute("transpose_a", "true", "false", "a " + a.text() + " has more axes than b " + b.text());
  }
  if (!flat && a.rank() != b.rank())
    x.refuse(1, "2 or " + std::to_string(a.rank()) + " dimensions", "a is " + a.text());
  for (std::size_t i = 0; !flat && i + 2 < a.rank(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) {
      x.refuse(1, std::to_string(a[i]) + " or 1 in axis " + std::to_string(i), "a is " + a.text());
    }
  }
  const Geometry g = geometry(x);
  const std::int64_t b_k = b.back(x.flag("transpose_b") ? 0 : 1);
  if (b_k != g.k) {
    x.refuse(1, std::to_string(g.k) + (x.flag("transpose_b") ? " columns" : " rows"),
             "a " + a.text() + " contracts over " + std::to_string(g.k));
  }
  if (x.has(2) && x.in(2) != Shape{g.n})
    x.refuse(2, Shape{g.n}.text(), "the result has " + std::to_string(g.n) + " columns");
  return {f32(g.result)};
}

core::onednn::Layout matrices(std::vector<std::int64_t> batch, std::int64_t rows, std::int64_t columns,
                              bool transposed) {
  const std::size_t r = batch.size();
  batch.insert(batch.end(), {rows, columns});
  std::vector<std::int64_t> strides(batch.size(), 1);
  strides[r] = transposed ? 1 : columns;
  strides[r + 1] = transposed ? rows : 1;
  std::int64_t step = rows * columns;
  for (std::size_t i = r; i-- > 0; step *= batch[i]) strides[i] = step;
  return core::onednn::strided(batch, strides);
}

core::Lowered lower(const core::Lower& x) {
  const Geometry g = geometry(x);
  const auto a = matrices(g.a_batch, g.m, g.k, x.flag("transpose_a"));
  const auto b = matrices(g.b_batch, g.k, g.n, x.flag("transpose_b"));
  const auto y = matrices(g.batch, g.m, g.n, false);
  const auto bias = matrices(std::vector<std::int64_t>(g.batch.size(), 1), 1, g.n, false);
  const auto alpha = static_cast<float>(x.number("alpha"));
  const bool scaled = alpha != 1.F;
  dnnl::primitive_attr attr = core::user_scratchpad();
  std::vector<core::Lowered::Argument> arguments = {
      {DNNL_ARG_SRC, false, 0, a}, {DNNL_ARG_WEIGHTS, false, 1, b}, {DNNL_ARG_DST, true, 0, y}};
  dnnl::post_ops post;
  if (scaled) core::onednn::post_linear(post, alpha);
  if (scaled && x.has(2)) {  // oneDNN adds its bias before the post-ops, which would scale it too
    post.append_binary(dnnl::algorithm::binary_add, bias);
    arguments.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1, false, 2, bias});
  }
  attr.set_post_ops(post);
  if (!scaled && x.has(2)) {
    arguments.push_back({DNNL_ARG_BIAS, false, 2, bias});
    return core::Lowered::primitive(
        core::onednn::describe<dnnl::matmul>(x.engine().onednn(), attr, a, b, bias, y), std::move(arguments));
  }
  return core::Lowered::primitive(core::onednn::describe<dnnl::matmul>(x.engine().onednn(), attr, a, b, y),
                                  std::move(arguments));
}

core::ValueId product(core::Builder& build, core::ValueId a, core::ValueId b, bool transpose_a,
                      bool transpose_b, double alpha) {
  return build.op("matmul", {a, b},
                  {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}, {"alpha", alpha}});
}

void grad(core::Grad& x) {
  core::Builder& build = x.build();
  const bool ta = x.flag("transpose_a"), tb = x.flag("transpose_b");
  const double alpha = x.number("alpha");
  const Shape a_shape = x.shape(0), b_shape = x.shape(1);
  core::ValueId a = x.in(0), dy = x.dy();
  const core::ValueId b = x.in(1);
  const bool biased = x.has(2);
  const core::ValueId da =
      ta ? product(build, b, dy, tb, true, alpha) : product(build, dy, b, false, !tb, alpha);
  x.set(0, sum_to(build, da, a_shape));
  if (biased) x.set(2, sum_to(build, dy, Shape{build.shape(dy).back()}));
  if (b_shape.rank() == 2 && a_shape.rank() > 2) {
    a = reshape_to(build, a, Shape{a_shape.rows(), a_shape.back()});
    dy = reshape_to(build, dy, Shape{a_shape.rows(), build.shape(dy).back()});
  }
  const core::ValueId db =
      tb ? product(build, dy, a, true, ta, alpha) : product(build, a, dy, !ta, false, alpha);
  x.set(1, sum_to(build, db, b_shape));
}

void reference(const core::Ref& x) {
  const bool ta = x.flag("transpose_a"), tb = x.flag("transpose_b");
  const Geometry g = geometry(x.in_shape(0), x.in_shape(1), ta, tb);
  const std::int64_t batches = Shape(g.batch).elements();
  for (std::int64_t at = 0; at < batches; ++at) {
    std::int64_t rest = at, a_at = 0, b_at = 0, a_step = 1, b_step = 1;
    for (std::size_t i = g.batch.size(); i-- > 0;) {
      const std::int64_t index = rest % g.batch[i];
      rest /= g.batch[i];
      a_at += (g.a_batch[i] == 1 ? 0 : index) * a_step, a_step *= g.a_batch[i];
      b_at += (g.b_batch[i] == 1 ? 0 : index) * b_step, b_step *= g.b_batch[i];
    }
    const double* a = x.in(0).data() + a_at * g.m * g.k;
    const double* b = x.in(1).data() + b_at * g.k * g.n;
    double* y = x.out().data() + at * g.m * g.n;
    for (std::int64_t m = 0; m < g.m; ++m) {
      for (std::int64_t n = 0; n < g.n; ++n) {
        double total = 0;
        for (std::int64_t k = 0; k < g.k; ++k)
          total += a[ta ? k * g.m + m : m * g.k + k] * b[tb ? n * g.k + k : k * g.n + n];
        y[m * g.n + n] = x.number("alpha") * total + (x.has(2) ? x.in(2)[static_cast<std::size_t>(n)] : 0.0);
      }
    }
  }
}

double flops(const core::Infer& x) {
  const Geometry g = geometry(x);
  return 2.0 * static_cast<double>(g.k) * static_cast<double>(g.result.elements());
}

std::vector<core::Sample> samples() {
  std::vector<core::Sample> out = {
      {{{{3, 4}}, {{4, 5}}}},
      {{{{33, 40}}, {{17, 40}}, {{17}}}, {{"transpose_b", true}}},
      {{{{2, 3, 4}}, {{4, 5}}, {{5}}}, {{"alpha", 0.5}}},
      {{{{2, 3, 4}}, {{5, 4}}}, {{"transpose_b", true}}},
      {{{{2, 3, 5, 4}}, {{2, 3, 4, 6}}}},
      {{{{2, 1, 5, 4}}, {{2, 3, 4, 6}}, {{6}}}, {{"alpha", -2.0}}},
      {{{{2, 2, 3, 5, 4}}, {{2, 2, 1, 6, 4}}}, {{"transpose_b", true}, {"alpha", 0.25}}},
      {{{{1, 1}}, {{1, 1}}, {{1}}}},
  };
  for (const bool batched : {false, true}) {
    for (const int which : {1, 2, 3}) {
      const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
      std::vector<std::int64_t> a = {5, 4}, b = {4, 3};
      if (ta) std::swap(a[0], a[1]);
      if (tb) std::swap(b[0], b[1]);
      if (batched) a.insert(a.begin(), 2), b.insert(b.begin(), batched && ta ? 1 : 2);
      out.push_back({{{Shape(a)}, {Shape(b)}}, {{"transpose_a", ta}, {"transpose_b", tb}}});
    }
  }
  return out;
}

}  // namespace

core::OpFamily matmul() {
  core::OpCard card{
      .name = "matmul",
      .doc = "alpha * a b + bias over the last two axes; a matrix b multiplies every row of a",
      .inputs = {{"a"}, {"b"}, {"bias", core::DType::f32, true}},
      .attributes = {flag_field("transpose_a", "swap the last two axes of a", false),
                     flag_field("transpose_b", "swap the last two axes of b", false),
                     number_field("alpha", "factor of the product (not of the bias)", 1.0)},
      .infer = infer,
      .grad = grad,
      .lower = lower,
      .ref = reference,
      .flops = flops,
      .samples = samples(),
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
