// A dense layer whose weight is a base between two block rotations (POET, Qiu et al., arXiv 2506.08001):
//   y = x W^T,  W = Psi_l^T diag(L_1 ... L_(m/b)) D diag(R_1 ... R_(n/b)) Psi_r
// with x [..., n], the base D [m, n] in drawn order, left L [m/b, b, b], right R [n/b, b, b]; (Psi_l v)_i =
// v_rows(i), (Psi_r v)_j = v_columns(j). It is written with the ops that make W and one matrix product, after
// differentiation: its own rule needs no gradient of W. With x_j, dx_j, y_j, dy_j the drawn columns of block
// j,
//   dL/dL_j L_j^T = dy_j^T y_j,      R_j^T dL/dR_j = dx_j^T x_j,      dx = dy W
// because W^T G = dx^T x and G W^T = dy^T y for G = dy^T x. So a step costs 4 T m n + 2 T b (m + n) + 4 m n b
// flops for T rows, where a dense layer costs 6 T m n. What is kept for the backward pass is y, where nobody
// else needs it; "memory": "mem" keeps nothing and takes the two products from G: 6 T m n + 8 m n b.
#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Builder;
using core::Json;
using core::Shape;
using core::ValueId;

enum Slot : std::size_t { kX, kBase, kLeft, kRight, kRows, kColumns };

const Json kExact = {{"precision", "f32"}};

Json exact(Json attributes) {
  attributes.update(kExact);
  return attributes;
}

void check_rotation(const core::Infer& x, std::size_t slot, std::int64_t extent) {
  const Shape& g = x.in(slot);
  if (g.rank() != 3 || g[1] != g[2] || g[0] * g[1] != extent)
    x.refuse(slot, "[blocks, b, b] with blocks times b = " + std::to_string(extent),
             "it rotates an axis of the base " + x.in(kBase).text());
}

std::vector<core::TensorType> infer(const core::Infer& x) {
  if (x.in(kBase).rank() != 2) x.refuse(kBase, "two dimensions", "it is a weight [out, in]");
  const std::int64_t m = x.in(kBase)[0], n = x.in(kBase)[1];
  least_rank(x, kX, 2, "every row of the input is multiplied by the weight");
  if (x.in(kX).back() != n) x.refuse(kX, std::to_string(n) + " columns", "the base is " + x.in(kBase).text());
  check_rotation(x, kLeft, m), check_rotation(x, kRight, n);
  if (x.in(kRows) != Shape{m}) x.refuse(kRows, Shape{m}.text());
  if (x.in(kColumns) != Shape{n}) x.refuse(kColumns, Shape{n}.text());
  std::vector<std::int64_t> dims = x.in(kX).dims();
  dims.back() = m;
  return {f32(std::move(dims))};
}

/// W in the drawn order of rows and columns.
ValueId drawn_weight(Builder& b, std::span<const ValueId> in) {
  return b.op("rotate_drawn", {in[kBase], in[kLeft], in[kRight]});
}

ValueId weight(Builder& b, std::span<const ValueId> in) {
  return b.op("permute_matrix", {drawn_weight(b, in), in[kRows], in[kColumns]}, {{"inverse", true}});
}

/// Rows of a matrix [m, n] as blocks [m/b, b, n].
ValueId row_blocks(Builder& b, ValueId x, std::int64_t size) {
  const Shape shape = b.shape(x);
  return reshape_to(b, x, Shape{shape[0] / size, size, shape[1]});
}

std::vector<ValueId> expand_layer(Builder& b, const core::Node& node) {
  return {b.op("matmul", {node.inputs[kX], weight(b, node.inputs)}, {{"transpose_b", true}})};
}

void grad(core::Grad& x) {
  Builder& b = x.build();
  const std::vector<ValueId> in = x.node().inputs;
  const ValueId dy = x.dy(), w = weight(b, in);
  const std::int64_t left = x.shape(kLeft)[1], right = x.shape(kRight)[1];
  const ValueId dx = b.op("matmul", {dy, w});
  x.set(kX, dx);
  const std::int64_t m = x.shape(kBase)[0], n = x.shape(kBase)[1], t = x.shape(kX).rows();
  const ValueId g = b.op(
      "permute_matrix",
      {b.op("matmul", {reshape_to(b, dy, {t, m}), reshape_to(b, in[kX], {t, n})}, {{"transpose_a", true}}),
       in[kRows], in[kColumns]});
  ValueId of_left, of_right;
  if (x.text("memory") == "mem") {
    const ValueId drawn = drawn_weight(b, in);
    of_left =
        b.op("matmul", {row_blocks(b, g, left), row_blocks(b, drawn, left)}, exact({{"transpose_b", true}}));
    of_right = b.op("block_matmul_grad", {drawn, g}, exact({{"size", right}}));
  } else {
    of_left = b.op("block_gram", {dy, x.out(), in[kRows]}, {{"size", left}});
    of_right = b.op("block_gram", {dx, in[kX], in[kColumns]}, {{"size", right}});
  }
  x.set(kLeft, b.op("divide_transposed", {of_left, in[kLeft]}, {{"side", "right"}}));
  x.set(kRight, b.op("divide_transposed", {of_right, in[kRight]}, {{"side", "left"}}));
  const ValueId rows = b.op("matmul", {in[kLeft], row_blocks(b, g, left)}, exact({{"transpose_a", true}}));
  x.set(kBase, b.op("block_matmul", {reshape_to(b, rows, {m, n}), in[kRight]}, exact({{"transpose", true}})));
}

/// diag(left) x diag(right), x [m, n].
void rotate(const core::Ref& x, std::span<const double> w, std::int64_t m, std::int64_t n,
            std::size_t left_slot, std::span<double> out) {
  const std::span<const double> left = x.in(left_slot), right = x.in(left_slot + 1);
  const std::int64_t l = x.in_shape(left_slot)[1], r = x.in_shape(left_slot + 1)[1];
  std::vector<double> half(w.size(), 0.0);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t k = 0; k < l; ++k)
      for (std::int64_t j = 0; j < n; ++j)
        half[static_cast<std::size_t>(i * n + j)] +=
            left[static_cast<std::size_t>(i * l + k)] * w[static_cast<std::size_t>((i / l * l + k) * n + j)];
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t k = 0; k < r; ++k)
        out[static_cast<std::size_t>(i * n + j)] +=
            half[static_cast<std::size_t>(i * n + j / r * r + k)] *
            right[static_cast<std::size_t>((j / r * r + k) * r + j % r)];
}

void reference(const core::Ref& x) {
  const std::int64_t m = x.in_shape(kBase)[0], n = x.in_shape(kBase)[1], rows = x.in_shape(kX).rows();
  std::vector<double> turned(static_cast<std::size_t>(m * n), 0.0), w(turned.size());
  const auto place = [&](std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>(x.index(kRows)[static_cast<std::size_t>(i)] * n +
                                    x.index(kColumns)[static_cast<std::size_t>(j)]);
  };
  rotate(x, x.in(kBase), m, n, kLeft, turned);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) w[place(i, j)] = turned[static_cast<std::size_t>(i * n + j)];
  for (std::int64_t t = 0; t < rows; ++t)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        x.out()[static_cast<std::size_t>(t * m + i)] +=
            x.in(kX)[static_cast<std::size_t>(t * n + j)] * w[static_cast<std::size_t>(i * n + j)];
}

core::OpCard layer_card() {
  using core::DType;
  const auto sample = [](const char* memory) {
    return core::Sample{{{{2, 5, 6}},
                         {{8, 6}},
                         {{2, 4, 4}},
                         {{3, 2, 2}},
                         {{8}, DType::s32, 8, true},
                         {{6}, DType::s32, 6, true}},
                        {{"memory", memory}}};
  };
  return {
      .name = "rotated_linear",
      .doc = "a dense layer whose weight is a base between two rotations",
      .inputs = {{"x"}, {"base"}, {"left"}, {"right"}, {"rows", DType::s32}, {"columns", DType::s32}},
      .attributes = {{"memory", core::Spec::text().one_of({"fast", "mem"}),
                      "keep the output for the backward pass, or nothing", Json("fast"), false}},
      .infer = infer,
      .expand = expand_layer,
      .grad = grad,
      .ref = reference,
      .samples = {sample("fast"), sample("mem")},
  };
}

std::vector<core::TensorType> infer_rotate(const core::Infer& x) {
  if (x.in(0).rank() != 2) x.refuse(0, "two dimensions");
  for (const std::size_t slot : {std::size_t{1}, std::size_t{2}}) {
    const Shape& g = x.in(slot);
    const std::int64_t extent = x.in(0)[slot - 1];
    if (g.rank() != 3 || g[1] != g[2] || g[0] * g[1] != extent)
      x.refuse(slot, "[blocks, b, b] with blocks times b = " + std::to_string(extent));
  }
  return like_first(x);
}

/// diag(left) x diag(right): the left product first, because its result is what the gradient of right needs.
std::vector<ValueId> expand_rotate(Builder& b, const core::Node& node) {
  const Shape shape = b.shape(node.inputs[0]);
  const ValueId rows = row_blocks(b, node.inputs[0], b.shape(node.inputs[1])[1]);
  const ValueId half = reshape_to(b, b.op("matmul", {node.inputs[1], rows}, kExact), shape);
  return {b.op("block_matmul", {half, node.inputs[2]}, kExact)};
}

core::OpCard rotate_card() {
  return {
      .name = "rotate_drawn",
      .doc = "a matrix between two block-diagonal ones",
      .inputs = {{"x"}, {"left"}, {"right"}},
      .infer = infer_rotate,
      .expand = expand_rotate,
      .samples = {{{{{8, 6}}, {{2, 4, 4}}, {{3, 2, 2}}}}},
  };
}

}  // namespace

core::OpFamily rotated_linear() { return {layer_card(), rotate_card()}; }

}  // namespace isorbit::ops
