// gather:      y[o, i, :] = x[o, index[i], :]          x [outer, extent, inner], index of any shape with n
// elements scatter_add: y = x;  y[o, index[i], :] += updates[o, i, :]  for i = 0, 1, ... in this order
// (indices may repeat) `axis` is the axis of extent; outer and inner are the axes before and after it. Each
// is the other's gradient. Indices must lie in [0, extent); the data source has checked them, the kernels do
// not.
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

struct Split {
  std::int64_t outer = 1, extent = 1, inner = 1, n = 1;
};

Split split(const Shape& x, const Shape& index, std::int64_t axis) {
  const std::size_t d = wrap_axis(axis, x.rank());
  return {extent_of(x, 0, d), x[d], extent_of(x, d + 1, x.rank()), index.elements()};
}

Shape gathered(const core::Infer& x) {
  least_rank(x, 0, 1);
  const std::size_t axis = axis_of(x, "axis", x.integer("axis"), x.in(0).rank());
  const std::vector<std::int64_t>&from = x.in(0).dims(), &index = x.in(1).dims();
  const auto at = static_cast<std::ptrdiff_t>(axis);
  std::vector<std::int64_t> dims(from.begin(), from.begin() + at);
  dims.insert(dims.end(), index.begin(), index.end());
  dims.insert(dims.end(), from.begin() + at + 1, from.end());
  return Shape(std::move(dims));
}

void gather_rows(const Split& s, const float* x, const std::int32_t* index, float* y, core::Engine& engine) {
  engine.parallel(s.outer * s.n, 1 + 16384 / s.inner, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const float* from = x + (task / s.n * s.extent + index[task % s.n]) * s.inner;
      std::memcpy(y + task * s.inner, from, static_cast<std::size_t>(s.inner) * sizeof(float));
    }
  });
}

void gather_columns(const Split& s, const float* x, const std::int32_t* index, float* y,
                    core::Engine& engine) {
  engine.parallel(s.outer, 1 + 8192 / s.n, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t o = first; o < last; ++o) {
      const float* from = x + o * s.extent;
      float* to = y + o * s.n;
      for (std::int64_t i = 0; i < s.n; ++i) to[i] = from[index[i]];
    }
  });
}

/// Threads own columns (inner positions) or whole outer slices, so no two add to the same element.
void scatter(const Split& s, const std::int32_t* index, const float* updates, float* y,
             core::Engine& engine) {
  const auto add = [&](std::int64_t o, std::int64_t left, std::int64_t right) {
    for (std::int64_t i = 0; i < s.n; ++i) {
      const float* from = updates + (o * s.n + i) * s.inner;
      float* to = y + (o * s.extent + index[i]) * s.inner;
      for (std::int64_t c = left; c < right; ++c) to[c] += from[c];
    }
  };
  if (s.outer >= 8 || s.inner < 64) {
    engine.parallel(s.outer, 1 + 8192 / (s.n * s.inner), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t o = first; o < last; ++o) add(o, 0, s.inner);
    });
    return;
  }
  engine.parallel(s.inner, 32, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t o = 0; o < s.outer; ++o) add(o, first, last);
  });
}

void refuse_outside(std::span<const std::int32_t> index, std::int64_t extent) {
  for (const std::int32_t i : index) {
    if (i < 0 || i >= extent) {
      throw std::out_of_range("found index " + std::to_string(i) + "; expected 0 to " +
                              std::to_string(extent - 1));
    }
  }
}

core::Field axis_field() {
  return integer_field("axis", "axis the indices run along; negative ones count from the back", 0);
}

/// Channels that are taken by index need one factor for all of them.
void scaling(core::Scaling& s) {
  const core::Channels x = s.in(0);
  const std::size_t rank = s.shape(0).rank();
  const bool of_channels = wrap_axis(s.integer("axis"), rank) + 1 == rank;
  if (of_channels) s.tie(x);
  s.equal(s.out(), of_channels ? x.part(0, 1) : x);
}

core::OpCard gather_card() {
  return {
      .name = "gather",
      .doc = "takes slices of x along an axis by index",
      .inputs = {{"x"}, {"index", core::DType::s32}},
      .attributes = {axis_field()},
      .infer = [](const core::Infer& x) -> std::vector<core::TensorType> { return {f32(gathered(x))}; },
      .grad =
          [](core::Grad& x) {
            core::Builder& build = x.build();
            const core::ValueId index = x.in(1), dy = x.dy();
            const core::ValueId zero = build.op("fill", {}, {{"shape", x.shape(0).dims()}, {"value", 0.0}});
            x.set(0, build.op("scatter_add", {zero, index, dy}, {{"axis", x.integer("axis")}}));
          },
      .lower =
          [](const core::Lower& x) {
            const Split s = split(x.in(0), x.in(1), x.integer("axis"));
            const auto run = s.inner == 1 ? gather_columns : gather_rows;
            return core::Lowered::own(s.inner == 1 ? "gather_columns" : "gather_rows",
                                      [=](const core::Binding& b) {
                                        run(s, b.input(0), b.input<std::int32_t>(1), b.output(), *b.engine);
                                      });
          },
      .ref =
          [](const core::Ref& x) {
            const Split s = split(x.in_shape(0), x.in_shape(1), x.integer("axis"));
            refuse_outside(x.index(1), s.extent);
            for (std::int64_t at = 0; at < s.outer * s.n * s.inner; ++at) {
              const std::int64_t row = at / s.inner, i = x.index(1)[static_cast<std::size_t>(row % s.n)];
              x.out()[static_cast<std::size_t>(at)] =
                  x.in(0)[static_cast<std::size_t>((row / s.n * s.extent + i) * s.inner + at % s.inner)];
            }
          },
      .flops = [](const core::Infer&) { return 0.0; },
      .scaling = scaling,
      .samples = {{{{{7, 3}}, {{2, 5}, core::DType::s32, 7}}},
                  {{{{4, 6}}, {{6}, core::DType::s32, 6, true}}, {{"axis", 1}}},
                  {{{{2, 5, 3}}, {{4}, core::DType::s32, 5}}, {{"axis", -2}}},
                  {{{{5}}, {Shape{}, core::DType::s32, 5}}}},
  };
}

std::vector<core::TensorType> infer_scatter(const core::Infer& x) {
  const Shape expected = gathered(x);
  if (x.in(2) != expected) {
    x.refuse(2, expected.text(),
             "it holds one slice of x " + x.in(0).text() + " for each index " + x.in(1).text());
  }
  return like_first(x);
}

core::OpCard scatter_card() {
  return {
      .name = "scatter_add",
      .doc = "adds slices to x along an axis by index; repeated indices accumulate in order",
      .inputs = {{"x"}, {"index", core::DType::s32}, {"updates"}},
      .attributes = {axis_field()},
      .infer = infer_scatter,
      .grad =
          [](core::Grad& x) {
            const core::ValueId index = x.in(1), dy = x.dy();
            x.set(0, dy);
            x.set(2, x.build().op("gather", {dy, index}, {{"axis", x.integer("axis")}}));
          },
      .lower =
          [](const core::Lower& x) {
            const Split s = split(x.in(0), x.in(1), x.integer("axis"));
            return core::Lowered::own("scatter_add", [s](const core::Binding& b) {
              if (b.in[0] != b.out[0]) {
                b.engine->parallel(s.outer * s.extent * s.inner, 65536,
                                   [&](std::int64_t first, std::int64_t last) {
                                     std::copy(b.input(0) + first, b.input(0) + last, b.output() + first);
                                   });
              }
              scatter(s, b.input<std::int32_t>(1), b.input(2), b.output(), *b.engine);
            });
          },
      .ref =
          [](const core::Ref& x) {
            const Split s = split(x.in_shape(0), x.in_shape(1), x.integer("axis"));
            refuse_outside(x.index(1), s.extent);
            std::copy(x.in(0).begin(), x.in(0).end(), x.out().begin());
            for (std::int64_t at = 0; at < s.outer * s.n * s.inner; ++at) {
              const std::int64_t row = at / s.inner, i = x.index(1)[static_cast<std::size_t>(row % s.n)];
              x.out()[static_cast<std::size_t>((row / s.n * s.extent + i) * s.inner + at % s.inner)] +=
                  x.in(2)[static_cast<std::size_t>(at)];
            }
          },
      .flops = [](const core::Infer& x) { return static_cast<double>(x.in(2).elements()); },
      .in_place = {{0, 0}},
      .samples = {{{{{7, 3}}, {{2, 5}, core::DType::s32, 7}, {{2, 5, 3}}}},
                  {{{{40, 130}}, {{60}, core::DType::s32, 40}, {{60, 130}}}},
                  {{{{4, 6}}, {{6}, core::DType::s32, 6, true}, {{4, 6}}}, {{"axis", 1}}},
                  {{{{2, 5, 3}}, {{8}, core::DType::s32, 5}, {{2, 8, 3}}}, {{"axis", 1}}}},
  };
}

}  // namespace

core::OpFamily gather() { return {gather_card(), scatter_card()}; }

}  // namespace isorbit::ops
