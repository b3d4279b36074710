// A matrix that is stored in bytes: w_e = scale_g (code_e - zero_g) for its elements e, row by row, with
// g = floor(e / 256). Codes stand four in an integer, the first in its lowest byte: codes [groups, 64], scale
// and zero [groups]; the last group may be longer than what is left of the matrix. With rows [m] and columns
// [n] the result is in their order, y_ij = w_rows(i),columns(j). POET-X's 8-bit base (arXiv 2603.05500).
#include <algorithm>
#include <vector>

#include "ops/common.hpp"
#include "ops/rotation/take.hpp"

namespace isorbit::ops {

namespace {

constexpr std::int64_t kGroup = 256;

struct Codes {
  const std::uint8_t* codes;
  const float* scale;
  const std::int32_t* zero;

  /// Elements first .. first + count - 1, group by group.
  void decode(std::int64_t first, std::int64_t count, float* to) const {
    const std::int64_t end = first + count;
    for (std::int64_t at = first; at < end;) {
      const std::int64_t g = at / kGroup, stop = std::min(end, (g + 1) * kGroup);
      const float s = scale[g];
      const std::int32_t z = zero[g];
      for (; at < stop; ++at) *to++ = s * static_cast<float>(codes[at] - z);
    }
  }
};

std::vector<core::TensorType> infer(const core::Infer& x) {
  const core::Shape shape = shape_attribute(x, "shape");
  if (shape.rank() != 2) x.refuse_attribute("shape", shape.text(), "two dimensions");
  const std::int64_t groups = (shape.elements() + kGroup - 1) / kGroup;
  const std::string why = "the matrix is " + shape.text();
  if (x.in(0) != core::Shape{groups, kGroup / 4}) x.refuse(0, core::Shape{groups, kGroup / 4}.text(), why);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
    if (x.in(i) != core::Shape{groups}) x.refuse(i, core::Shape{groups}.text(), why);
  if (x.has(3) != x.has(4)) x.refuse(0, "rows and columns, or neither");
  for (const std::size_t i : {std::size_t{3}, std::size_t{4}})
    if (x.has(i) && x.in(i) != core::Shape{shape[i - 3]}) x.refuse(i, core::Shape{shape[i - 3]}.text(), why);
  return {f32(shape)};
}

core::Lowered lower(const core::Lower& x) {
  const std::int64_t m = x.out()[0], n = x.out()[1];
  const bool drawn = x.has(3);
  return core::Lowered::own("dequantize", [=](const core::Binding& t) {
    const Codes codes{reinterpret_cast<const std::uint8_t*>(t.input<std::int32_t>(0)), t.input(1),
                      t.input<std::int32_t>(2)};
    float* const y = t.output();
    t.engine->parallel(m, 1 + 8192 / n, [&](std::int64_t first, std::int64_t last) {
      if (!drawn) {
        codes.decode(first * n, (last - first) * n, y + first * n);
        return;
      }
      const auto *rows = t.input<std::int32_t>(3), *columns = t.input<std::int32_t>(4);
      std::vector<float> row(static_cast<std::size_t>(n));
      for (std::int64_t i = first; i < last; ++i) {
        codes.decode(rows[i] * n, n, row.data());
        take(row.data(), columns, n, y + i * n);
      }
    });
  });
}

void reference(const core::Ref& x) {
  const std::int64_t m = x.out_shape()[0], n = x.out_shape()[1];
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t row = x.has(3) ? x.index(3)[static_cast<std::size_t>(i)] : i,
                         column = x.has(4) ? x.index(4)[static_cast<std::size_t>(j)] : j;
      const auto e = static_cast<std::size_t>(row * n + column), g = e / kGroup;
      const auto word = static_cast<std::uint32_t>(x.index(0)[e / 4]);
      const auto code = static_cast<std::int32_t>(word >> (8 * (e % 4)) & 255U);
      x.out()[static_cast<std::size_t>(i * n + j)] = x.in(1)[g] * (code - x.index(2)[g]);
    }
  }
}

}  // namespace

core::OpFamily dequantize() {
  using core::DType;
  constexpr std::int64_t kAny = 0x7fffffff;
  core::OpCard card{
      .name = "dequantize",
      .doc = "a matrix from its bytes, in the order of two permutations where they are given",
      .inputs = {{"codes", DType::s32},
                 {"scale"},
                 {"zero", DType::s32},
                 {"rows", DType::s32, true},
                 {"columns", DType::s32, true}},
      .attributes = {integers_field("shape", "of the matrix", 1)},
      .infer = infer,
      .lower = lower,
      .ref = reference,
      .samples = {{{{{2, 64}, DType::s32, kAny}, {{2}}, {{2}, DType::s32, 256}}, {{"shape", {13, 30}}}},
                  {{{{2, 64}, DType::s32, kAny},
                    {{2}},
                    {{2}, DType::s32, 256},
                    {{13}, DType::s32, 13, true},
                    {{30}, DType::s32, 30, true}},
                   {{"shape", {13, 30}}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
