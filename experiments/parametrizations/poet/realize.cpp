// The graph of W = R W0 P. With Q the skew matrices of one side, the rotation minus the identity is
//   truncated:  G - I = Q (2 I + 2 Q + ... + 2 Q^(k-1) + Q^k) = (I + Q)(I + Q + ... + Q^k) - I, by Horner
//   exact:      G - I = 2 Q (I - Q)^-1 = 2 Q (I + Q)^-T,    (I + Q)(I - Q)^-1 = I + that
// in which nothing is lost by subtraction where Q is small, and which is 0 exactly where Q is 0. Block
// sampling multiplies by G itself, which is I exactly there (ops/cayley.cpp). Then W is W0 bit for bit:
// products with exact zeros and ones are exact, gathers only move numbers.
#include "experiments/parametrizations/poet/poet.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

using core::Builder;
using core::Json;
using core::Shape;
using core::ValueId;

/// [blocks, size, size] from [blocks, size (size - 1) / 2].
ValueId rotation_less_identity(Builder& b, const Json& fields, ValueId coordinate, std::int64_t size) {
  const ValueId q = b.op("skew", {coordinate}, {{"size", size}});
  if (fields.at("cayley") == "exact") {
    const ValueId inverse = b.op("inverse", {b.op("add_identity", {q})});
    return b.op("matmul", {q, inverse}, {{"transpose_b", true}, {"alpha", 2.0}});
  }
  const auto terms = fields.at("neumann_terms").get<std::int64_t>();
  ValueId sum = b.op("add_identity", {q}, {{"scale", 2.0}});
  for (std::int64_t i = 1; i < terms; ++i)
    sum = b.op("add_identity", {b.op("matmul", {q, sum})}, {{"scale", 2.0}});
  return b.op("matmul", {q, sum});
}

ValueId gather(Builder& b, ValueId x, ValueId index, std::int64_t axis) {
  return b.op("gather", {x, index}, {{"axis", axis}});
}

ValueId reshape(Builder& b, ValueId x, const Shape& shape) {
  return b.op("reshape", {x}, {{"shape", shape.dims()}});
}

/// The rotations of one side, [blocks, size, size].
ValueId rotation(Builder& b, const Json& fields, ValueId coordinate, std::int64_t size) {
  if (fields.at("cayley") == "exact")
    return b.op("add_identity", {rotation_less_identity(b, fields, coordinate, size)});
  return b.op("cayley_neumann", {coordinate}, {{"size", size}, {"terms", fields.at("neumann_terms")}});
}

Shape shape_of(const Builder& b, std::span<const ValueId> coordinates) {
  return {b.shape(coordinates[kLeftProbe])[1], b.shape(coordinates[kRightProbe])[1]};
}

/// Psi_l^T diag(G_l) D diag(G_r) Psi_r of the base D in drawn order; (Psi x)_i = x_index(i).
ValueId realize_blocks(Builder& b, const Json& fields, ValueId base, ValueId left, ValueId right,
                       std::span<const ValueId> coordinates) {
  const ValueId rows = coordinates[kLeftIndex], columns = coordinates[kRightIndex];
  const ValueId rotated =
      is_quantized(fields) ? b.op("rotate_quantized",
                                  {base, coordinates[kScale], coordinates[kZero], rows, columns, left, right},
                                  {{"shape", shape_of(b, coordinates).dims()}})
                           : b.op("rotate_drawn", {base, left, right});
  return b.op("permute_matrix", {rotated, rows, columns}, {{"inverse", true}});
}

/// W1 = W0 + D (G_l - I) D^T W0, then W1 + W1 E (G_r - I) E^T; D and E pick the drawn rows and columns.
ValueId realize_full(Builder& b, ValueId base, ValueId left, ValueId right,
                     std::span<const ValueId> indices) {
  const std::int64_t rows = b.shape(left)[1], columns = b.shape(right)[1];
  const ValueId turn_left = reshape(b, left, {rows, rows}),
                turn_right = reshape(b, right, {columns, columns});
  const ValueId move_rows = b.op("matmul", {turn_left, gather(b, base, indices[0], 0)});
  const ValueId half = b.op("scatter_add", {base, indices[0], move_rows}, {{"axis", 0}});
  const ValueId move_columns = b.op("matmul", {gather(b, half, indices[1], 1), turn_right});
  return b.op("scatter_add", {half, indices[1], move_columns}, {{"axis", 1}});
}

/// The base as numbers, in drawn order where blocks are drawn.
ValueId numbers(Builder& b, const Json& fields, ValueId base, std::span<const ValueId> coordinates) {
  if (!is_quantized(fields)) return base;
  std::vector<ValueId> in = {base, coordinates[kScale], coordinates[kZero]};
  if (samples_blocks(fields)) in.insert(in.end(), {coordinates[kLeftIndex], coordinates[kRightIndex]});
  return b.op("dequantize", in, {{"shape", shape_of(b, coordinates).dims()}});
}

}  // namespace

ValueId realize(Builder& b, const Json& fields, ValueId base, std::span<const ValueId> coordinates) {
  const auto [rows, columns] = sides_of(fields, shape_of(b, coordinates));
  const ValueId left = coordinates[kLeft], right = coordinates[kRight];
  if (samples_blocks(fields)) {
    return realize_blocks(b, fields, base, rotation(b, fields, left, rows.size),
                          rotation(b, fields, right, columns.size), coordinates);
  }
  return realize_full(
      b, numbers(b, fields, base, coordinates), rotation_less_identity(b, fields, left, rows.size),
      rotation_less_identity(b, fields, right, columns.size), coordinates.subspan(kLeftIndex, 2));
}

ValueId apply(Builder& b, const Json& fields, ValueId base, std::span<const ValueId> coordinates, ValueId x) {
  const auto [rows, columns] = sides_of(fields, shape_of(b, coordinates));
  const ValueId left = rotation(b, fields, coordinates[kLeft], rows.size);
  const ValueId right = rotation(b, fields, coordinates[kRight], columns.size);
  return b.op("rotated_linear",
              {x, numbers(b, fields, base, coordinates), left, right, coordinates[kLeftIndex],
               coordinates[kRightIndex]},
              {{"memory", fields.at("memory")}});
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
