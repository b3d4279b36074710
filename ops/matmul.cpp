// y = alpha * op(a) op(b) + bias,  op(a) [..., M, K], op(b) [..., K, N], bias [N], y [..., M, N]; op is the
// identity or swaps the last two axes. Batch axes are equal, or 1 on either side. When b is a matrix and a
// has more axes, a's leading axes are rows: y [..., N]. One oneDNN matmul a thread; transposes are strides
// over the dense data.
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

/// A stack of matrices in dense memory, or of their first rows only: `span` rows of each.
struct Stack {
  std::vector<std::int64_t> batch;
  std::int64_t rows = 0, columns = 0;
  bool transposed = false;
  core::DType dtype = core::DType::f32;

  [[nodiscard]] std::int64_t stride(std::size_t axis) const {
    std::int64_t step = rows * columns;
    for (std::size_t i = batch.size(); i-- > axis + 1;) step *= batch[i];
    return step;
  }
  [[nodiscard]] core::onednn::Layout layout(const Stack& part) const {
    std::vector<std::int64_t> dims = part.batch, strides;
    for (std::size_t i = 0; i < batch.size(); ++i) strides.push_back(stride(i));
    dims.insert(dims.end(), {part.rows, part.columns});
    strides.insert(strides.end(), {transposed ? 1 : columns, transposed ? rows : 1});
    return core::onednn::strided(dims, strides, dtype);
  }
};

/// Where a product is cut for threads: along the first batch axis that is long enough, else along the rows of
/// the result. Cuts never go through a sum, so that they change no bit.
struct Cut {
  std::optional<std::size_t> axis;  // of the batch; none: rows
  std::int64_t extent = 0;
};

Cut cut_of(const Geometry& g) {
  std::int64_t leading = 1;
  for (std::size_t i = 0; i < g.batch.size() && leading == 1; ++i) {
    leading *= g.batch[i];
    if (g.batch[i] > 1) return {i, g.batch[i]};
  }
  return {std::nullopt, g.m};
}

class Product {
 public:
  Product(const core::Lower& x, const Geometry& g)
      : x_(x),
        g_(g),
        a_{g.a_batch, g.m, g.k, x.flag("transpose_a"), x.type(0).dtype},
        b_{g.b_batch, g.k, g.n, x.flag("transpose_b"), x.type(1).dtype},
        y_{g.batch, g.m, g.n, false, x.out_type().dtype} {}

  core::Lowered lower() const {
    std::vector<core::Lowered::Slice> plain = slices(b_layout());
    const std::optional<core::onednn::Layout> packed = packed_layout();
    if (!packed) return core::Lowered::slices(std::move(plain));
    core::Lowered lowered = core::Lowered::slices(slices(*packed));
    lowered.in_formats = {std::nullopt, core::Lowered::Format{b_layout(), *packed}};
    return lowered;
  }

 private:
  static constexpr double kLeastFlops = 2e5;      // some microseconds of one thread
  static constexpr std::int64_t kManyRows = 512;  // that make packing b worth its copy

  core::onednn::Layout b_layout() const { return b_.layout(b_); }

  /// The format oneDNN likes b in, where packing pays: a matrix of bf16 that many rows are multiplied by.
  std::optional<core::onednn::Layout> packed_layout() const {
    if (b_.dtype != core::DType::bf16 || !g_.batch.empty() || a_.transposed || g_.m < kManyRows) return {};
    const core::onednn::Layout any({g_.k, g_.n}, core::onednn::type_of(b_.dtype),
                                   dnnl::memory::format_tag::any);
    const auto description = core::onednn::describe<dnnl::matmul>(
        x_.engine().onednn(), core::user_scratchpad(), a_.layout(a_), any, y_.layout(y_));
    const core::onednn::Layout packed = description.weights_desc();
    return packed == b_layout() ? std::nullopt : std::optional(packed);
  }

  std::vector<core::Lowered::Slice> slices(const core::onednn::Layout& b) const {
    const Cut cut = cut_of(g_);
    const std::int64_t grain = cut.axis ? 1 : 16;
    const double flops = 2.0 * static_cast<double>(g_.k) * static_cast<double>(g_.result.elements());
    std::int64_t parts = std::min<std::int64_t>(x_.engine().threads(), cut.extent / grain);
    if (flops < kLeastFlops) parts = 1;
    std::vector<core::Lowered::Slice> slices;
    for (std::int64_t i = 0; i < std::max<std::int64_t>(parts, 1); ++i) {
      const std::int64_t units = cut.extent / grain;
      const std::int64_t first = parts <= 1 ? 0 : units * i / parts * grain;
      const std::int64_t last = parts <= 1 || i + 1 == parts ? cut.extent : units * (i + 1) / parts * grain;
      slices.push_back(slice(cut, first, last, b));
    }
    return slices;
  }

  /// The part of a stack that [first, last) of the cut takes, and where it begins in bytes.
  std::pair<Stack, std::size_t> part(const Stack& whole, const Cut& cut, std::int64_t first,
                                     std::int64_t last, bool has_rows) const {
    Stack part = whole;
    std::int64_t offset = 0;
    if (cut.axis) {
      if (whole.batch[*cut.axis] > 1) {
        part.batch[*cut.axis] = last - first;
        offset = first * whole.stride(*cut.axis);
      }
    } else if (has_rows) {
      part.rows = last - first;
      offset = first * (whole.transposed ? 1 : whole.columns);
    }
    return {part, static_cast<std::size_t>(offset) * core::size_of(whole.dtype)};
  }

  /// `whole_b` is how b lies in memory; with batches it is cut like the others.
  core::Lowered::Slice slice(const Cut& cut, std::int64_t first, std::int64_t last,
                             const core::onednn::Layout& whole_b) const {
    const auto [a_part, a_offset] = part(a_, cut, first, last, true);
    const auto [b_part, b_offset] = part(b_, cut, first, last, false);
    const auto [y_part, y_offset] = part(y_, cut, first, last, true);
    const auto a = a_.layout(a_part), b = cut.axis ? b_.layout(b_part) : whole_b, y = y_.layout(y_part);
    const auto bias = core::onednn::dense([&] {
      std::vector<std::int64_t> dims(g_.batch.size() + 2, 1);
      dims.back() = g_.n;
      return dims;
    }());
    const auto alpha = static_cast<float>(x_.number("alpha"));
    const bool scaled = alpha != 1.F;
    dnnl::primitive_attr attr = core::user_scratchpad();
    std::vector<core::Lowered::Argument> arguments = {{DNNL_ARG_SRC, false, 0, a, a_offset},
                                                      {DNNL_ARG_WEIGHTS, false, 1, b, b_offset},
                                                      {DNNL_ARG_DST, true, 0, y, y_offset}};
    dnnl::post_ops post;
    if (scaled) core::onednn::post_linear(post, alpha);
    if (scaled && x_.has(2)) {  // oneDNN adds its bias before the post-ops, which would scale it too
      post.append_binary(dnnl::algorithm::binary_add, bias);
      arguments.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1, false, 2, bias});
    }
    attr.set_post_ops(post);
    const dnnl::engine& engine = x_.engine().onednn();
    if (!scaled && x_.has(2)) {
      arguments.push_back({DNNL_ARG_BIAS, false, 2, bias});
      return {core::onednn::describe<dnnl::matmul>(engine, attr, a, b, bias, y), std::move(arguments)};
    }
    return {core::onednn::describe<dnnl::matmul>(engine, attr, a, b, y), std::move(arguments)};
  }

  const core::Lower& x_;
  const Geometry& g_;
  Stack a_, b_, y_;
};

core::Lowered lower(const core::Lower& x) {
  const Geometry g = geometry(x);
  return Product(x, g).lower();
}

core::ValueId product(core::Grad& x, core::ValueId a, core::ValueId b, bool transpose_a, bool transpose_b) {
  return x.build().op("matmul", {a, b},
                      {{"transpose_a", transpose_a},
                       {"transpose_b", transpose_b},
                       {"alpha", x.number("alpha")},
                       {"precision", x.text("precision")}});
}

void grad(core::Grad& x) {
  core::Builder& build = x.build();
  const bool ta = x.flag("transpose_a"), tb = x.flag("transpose_b");
  const Shape a_shape = x.shape(0), b_shape = x.shape(1);
  core::ValueId a = x.in(0), dy = x.dy();
  const core::ValueId b = x.in(1);
  const bool biased = x.has(2);
  const core::ValueId da = ta ? product(x, b, dy, tb, true) : product(x, dy, b, false, !tb);
  x.set(0, sum_to(build, da, a_shape));
  if (biased) x.set(2, sum_to(build, dy, Shape{build.shape(dy).back()}));
  if (b_shape.rank() == 2 && a_shape.rank() > 2) {
    a = reshape_to(build, a, Shape{a_shape.rows(), a_shape.back()});
    dy = reshape_to(build, dy, Shape{a_shape.rows(), build.shape(dy).back()});
  }
  const core::ValueId db = tb ? product(x, dy, a, true, ta) : product(x, a, dy, !ta, false);
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
                     number_field("alpha", "factor of the product (not of the bias)", 1.0),
                     precision_field()},
      .infer = infer,
      .grad = grad,
      .lower = lower,
      .ref = reference,
      .flops = flops,
      .narrow = {.operands = {0, 1}, .outputs = {0}},
      .samples = samples(),
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
