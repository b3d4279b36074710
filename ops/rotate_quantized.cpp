// y = diag(L) w diag(R) with w [m, n] in bytes and drawn (ops/quantized.hpp), L [m/b, b, b], R [n/b, b, b]: a
// POET layer on the weight side (arXiv 2603.05500). Its gradient makes w again from its bytes, so that no
// matrix of numbers lives from the forward to the backward pass: with H = diag(L) w and dH = dY diag(R)^T,
//   dL_i = dH_i w_i^T over blocks of rows,   dR_j = H_j^T dY_j over blocks of columns,   dw = diag(L)^T dH
#include "ops/quantized.hpp"

namespace isorbit::ops {

namespace {

using core::Builder;
using core::DType;
using core::Json;
using core::ValueId;

enum Slot : std::size_t { kCodes, kScale, kZero, kRows, kColumns, kLeft, kRight };

std::vector<core::TensorType> infer(const core::Infer& x) {
  const core::Shape shape = quantized_shape(x);
  check_quantized(x, shape, {kScale, kZero}, kRows);
  for (const std::size_t slot : {kLeft, kRight}) {
    const core::Shape& g = x.in(slot);
    const std::int64_t extent = shape[slot - kLeft];
    if (g.rank() != 3 || g[1] != g[2] || g[0] * g[1] != extent)
      x.refuse(slot, "[blocks, b, b] with blocks times b = " + std::to_string(extent));
  }
  return {f32(shape)};
}

ValueId matrix(Builder& b, std::span<const ValueId> in, const Json& shape, bool again) {
  return b.op("dequantize", {in[kCodes], in[kScale], in[kZero], in[kRows], in[kColumns]},
              {{"shape", shape}, {"again", again}});
}

/// Rows of a matrix [m, n] as blocks [m/b, b, n].
ValueId row_blocks(Builder& b, ValueId x, std::int64_t size) {
  const core::Shape shape = b.shape(x);
  return reshape_to(b, x, core::Shape{shape[0] / size, size, shape[1]});
}

Json exact(Json attributes = Json::object()) {
  attributes["precision"] = "f32";
  return attributes;
}

void grad(core::Grad& x) {
  Builder& b = x.build();
  const std::vector<ValueId> in = x.node().inputs;
  const std::int64_t left = x.shape(kLeft)[1], right = x.shape(kRight)[1];
  const ValueId w = row_blocks(b, matrix(b, in, x.node().attributes.at("shape"), true), left), dy = x.dy();
  const core::Shape shape = b.shape(dy);
  const ValueId dh =
      row_blocks(b, b.op("block_matmul", {dy, in[kRight]}, exact({{"transpose", true}})), left);
  x.set(kLeft, b.op("matmul", {dh, w}, exact({{"transpose_b", true}})));
  const ValueId h = reshape_to(b, b.op("matmul", {in[kLeft], w}, exact()), shape);
  x.set(kRight, b.op("block_matmul_grad", {h, dy}, exact({{"size", right}})));
  const ValueId dw = reshape_to(b, b.op("matmul", {in[kLeft], dh}, exact({{"transpose_a", true}})), shape);
  x.set(kScale, b.op("dequantize_grad", {in[kCodes], in[kZero], dw, in[kRows], in[kColumns]}));
}

void reference(const core::Ref& x) {
  const std::vector<double> w = decoded(x);
  const std::int64_t m = x.out_shape()[0], n = x.out_shape()[1];
  const std::int64_t l = x.in_shape(kLeft)[1], r = x.in_shape(kRight)[1];
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  std::vector<double> half(w.size(), 0.0);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t k = 0; k < l; ++k)
      for (std::int64_t j = 0; j < n; ++j)
        half[at(i * n + j)] += x.in(kLeft)[at(i * l + k)] * w[at((i / l * l + k) * n + j)];
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t k = 0; k < r; ++k)
        x.out()[at(i * n + j)] +=
            half[at(i * n + j / r * r + k)] * x.in(kRight)[at((j / r * r + k) * r + j % r)];
}

}  // namespace

core::OpFamily rotate_quantized() {
  core::OpCard card{
      .name = "rotate_quantized",
      .doc = "a drawn matrix from its bytes between two block-diagonal ones; made again for gradients",
      .inputs = {{"codes", DType::s32},
                 {"scale"},
                 {"zero", DType::s32},
                 {"rows", DType::s32},
                 {"columns", DType::s32},
                 {"left"},
                 {"right"}},
      .attributes = {integers_field("shape", "of the matrix", 1)},
      .infer = infer,
      .expand =
          [](Builder& b, const core::Node& node) {
            const ValueId w = matrix(b, node.inputs, node.attributes.at("shape"), false);
            return std::vector{b.op("rotate_drawn", {w, node.inputs[kLeft], node.inputs[kRight]})};
          },
      .grad = grad,
      .ref = reference,
      .samples = {{{{{2, 64}, DType::s32, 0x7fffffff},
                    {{2}},
                    {{2}, DType::s32, 256},
                    {{16}, DType::s32, 16, true},
                    {{30}, DType::s32, 30, true},
                    {{4, 4, 4}},
                    {{5, 6, 6}}},
                   {{"shape", {16, 30}}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
