// Matrices stored in bytes: w_e = scale_g (code_e - zero_g) for its elements e, row by row, with g = floor(e
// / 256). Codes stand four in an integer, the first in its lowest byte: codes [groups, 64], scale and zero
// [groups]; the last group may be longer than what is left of the matrix. With rows [m] and columns [n] it is
// drawn: y_ij = w_rows(i),columns(j).
#pragma once
#include <algorithm>
#include <vector>

#include "ops/common.hpp"

namespace isorbit::ops {

constexpr std::int64_t kQuantizedGroup = 256;

/// Refuses inputs that do not belong to a matrix of this shape: codes 0, the slots with an element a group,
/// and the optional permutations of rows and columns from slot `drawn` on.
inline void check_quantized(const core::Infer& x, const core::Shape& matrix,
                            std::initializer_list<std::size_t> groups, std::size_t drawn) {
  const std::int64_t count = (matrix.elements() + kQuantizedGroup - 1) / kQuantizedGroup;
  const std::string why = "the matrix is " + matrix.text();
  const auto expect = [&](std::size_t slot, const core::Shape& shape) {
    if (x.in(slot) != shape) x.refuse(slot, shape.text(), why);
  };
  expect(0, {count, kQuantizedGroup / 4});
  for (const std::size_t slot : groups) expect(slot, {count});
  if (x.has(drawn) != x.has(drawn + 1)) x.refuse(0, "rows and columns, or neither");
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}})
    if (x.has(drawn + side)) expect(drawn + side, {matrix[side]});
}

/// The attribute "shape" of a matrix in bytes.
inline core::Shape quantized_shape(const core::Infer& x) {
  core::Shape shape = shape_attribute(x, "shape");
  if (shape.rank() != 2) x.refuse_attribute("shape", shape.text(), "two dimensions");
  return shape;
}

/// Calls f(place in the drawn matrix, group, code - zero) for every element. `codes(i)` is an integer of four
/// codes, `zero(g)` a zero point; `row` and `column` give places in the matrix.
template <class CodesOf, class ZeroOf, class Row, class Column, class F>
void over_codes(const core::Shape& matrix, const CodesOf& codes, const ZeroOf& zero, const Row& row,
                const Column& column, const F& f) {
  for (std::int64_t i = 0; i < matrix[0]; ++i) {
    for (std::int64_t j = 0; j < matrix[1]; ++j) {
      const std::int64_t e = row(i) * matrix[1] + column(j), g = e / kQuantizedGroup;
      const auto word = static_cast<std::uint32_t>(codes(e / 4));
      f(static_cast<std::size_t>(i * matrix[1] + j), static_cast<std::size_t>(g),
        static_cast<std::int32_t>(word >> (8 * (e % 4)) & 255U) - zero(g));
    }
  }
}

/// A drawn matrix in double from codes 0, scale 1, zero 2 and, where they are, rows 3 and columns 4.
inline std::vector<double> decoded(const core::Ref& x) {
  std::vector<double> w(static_cast<std::size_t>(x.out_shape().elements()));
  const auto of = [&](std::size_t slot) {
    return [&x, slot](std::int64_t i) { return x.index(slot)[static_cast<std::size_t>(i)]; };
  };
  const auto place = [&](std::size_t slot) {
    return [&x, slot](std::int64_t i) {
      return x.has(slot) ? std::int64_t{x.index(slot)[static_cast<std::size_t>(i)]} : i;
    };
  };
  over_codes(x.out_shape(), of(0), of(2), place(3), place(4),
             [&](std::size_t at, std::size_t g, std::int32_t code) { w[at] = x.in(1)[g] * code; });
  return w;
}

}  // namespace isorbit::ops
