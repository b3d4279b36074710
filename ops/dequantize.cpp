// A matrix of numbers from its bytes (ops/quantized.hpp): POET-X's 8-bit base (arXiv 2603.05500).
// dequantize_grad is the gradient of its scales, which training never asks for:
//   dscale_g = sum_e dw_e (code_e - zero_g)
#include <algorithm>
#include <vector>

#include "ops/quantized.hpp"
#include "ops/rotation/take.hpp"

namespace isorbit::ops {

namespace {

using core::DType;

constexpr std::int64_t kAny = 0x7fffffff;

struct Codes {
  const std::uint8_t* codes;
  const float* scale;
  const std::int32_t* zero;

  /// Elements first .. first + count - 1, group by group.
  void decode(std::int64_t first, std::int64_t count, float* to) const {
    const std::int64_t end = first + count;
    for (std::int64_t at = first; at < end;) {
      const std::int64_t g = at / kQuantizedGroup, stop = std::min(end, (g + 1) * kQuantizedGroup);
      const float s = scale[g];
      const std::int32_t z = zero[g];
      for (; at < stop; ++at) *to++ = s * static_cast<float>(codes[at] - z);
    }
  }
};

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

core::OpCard matrix_card() {
  return {
      .name = "dequantize",
      .doc = "a matrix from its bytes, in the order of two permutations where they are given",
      .inputs = {{"codes", DType::s32},
                 {"scale"},
                 {"zero", DType::s32},
                 {"rows", DType::s32, true},
                 {"columns", DType::s32, true}},
      .attributes = {integers_field("shape", "of the matrix", 1),
                     flag_field("again", "made once more rather than kept since it was made before", false)},
      .infer =
          [](const core::Infer& x) {
            const core::Shape shape = quantized_shape(x);
            check_quantized(x, shape, {1, 2}, 3);
            return std::vector{f32(shape)};
          },
      .grad =
          [](core::Grad& x) {
            std::vector<core::ValueId> in = {x.in(0), x.in(2), x.dy()};
            if (x.has(3)) in.insert(in.end(), {x.in(3), x.in(4)});
            x.set(1, x.build().op("dequantize_grad", in));
          },
      .lower = lower,
      .ref = [](const core::Ref& x) { std::ranges::copy(decoded(x), x.out().begin()); },
      .samples = {{{{{2, 64}, DType::s32, kAny}, {{2}}, {{2}, DType::s32, 256}}, {{"shape", {13, 30}}}},
                  {{{{2, 64}, DType::s32, kAny},
                    {{2}},
                    {{2}, DType::s32, 256},
                    {{13}, DType::s32, 13, true},
                    {{30}, DType::s32, 30, true}},
                   {{"shape", {13, 30}}}}},
  };
}

/// The sums over the elements of each group; index(slot, i) reads an index input.
template <class Index, class Values>
std::vector<double> scale_gradients(const core::Shape& dw, std::int64_t groups, bool drawn,
                                    const Index& index, const Values& values) {
  std::vector<double> sum(static_cast<std::size_t>(groups), 0.0);
  const auto of = [&](std::size_t slot) { return [&index, slot](std::int64_t i) { return index(slot, i); }; };
  const auto place = [&](std::size_t slot) {
    return [&index, slot, drawn](std::int64_t i) { return drawn ? std::int64_t{index(slot, i)} : i; };
  };
  over_codes(dw, of(0), of(1), place(3), place(4), [&](std::size_t at, std::size_t g, std::int32_t code) {
    sum[g] += static_cast<double>(values[at]) * code;
  });
  return sum;
}

core::Lowered lower_scales(const core::Lower& x) {
  const core::Shape dw = x.in(2);
  const std::int64_t groups = x.out()[0];
  const bool drawn = x.has(3);
  return core::Lowered::own("dequantize_grad", [=](const core::Binding& t) {
    const auto index = [&](std::size_t slot, std::int64_t i) { return t.input<std::int32_t>(slot)[i]; };
    const std::vector<double> sum = scale_gradients(dw, groups, drawn, index, t.input(2));
    std::ranges::transform(sum, t.output(), [](double s) { return static_cast<float>(s); });
  });
}

void reference_scales(const core::Ref& x) {
  const auto index = [&](std::size_t slot, std::int64_t i) {
    return x.index(slot)[static_cast<std::size_t>(i)];
  };
  std::ranges::copy(scale_gradients(x.in_shape(2), x.out_shape()[0], x.has(3), index, x.in(2)),
                    x.out().begin());
}

core::OpCard scales_card() {
  return {
      .name = "dequantize_grad",
      .doc = "the gradient of the scales of a matrix in bytes",
      .inputs = {{"codes", DType::s32},
                 {"zero", DType::s32},
                 {"dw"},
                 {"rows", DType::s32, true},
                 {"columns", DType::s32, true}},
      .infer =
          [](const core::Infer& x) {
            if (x.in(2).rank() != 2) x.refuse(2, "two dimensions", "it is the gradient of a matrix");
            check_quantized(x, x.in(2), {1}, 3);
            return std::vector{f32(x.in(1))};
          },
      .lower = lower_scales,
      .ref = reference_scales,
      .samples = {{{{{2, 64}, DType::s32, kAny},
                    {{2}, DType::s32, 256},
                    {{13, 30}},
                    {{13}, DType::s32, 13, true},
                    {{30}, DType::s32, 30, true}}}},
  };
}

}  // namespace

core::OpFamily dequantize() { return {matrix_card(), scales_card()}; }

}  // namespace isorbit::ops
