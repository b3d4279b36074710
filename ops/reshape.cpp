// reshape: y holds the elements of x under another shape (a view, no code runs).
// transpose: y[i_0, .., i_r-1] = x[j], where j at axis axes[d] is i_d; y's extent d is x's extent axes[d].
#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

std::vector<core::TensorType> infer_reshape(const core::Infer& x) {
  const Shape shape = shape_attribute(x, "shape");
  if (shape.elements() != x.in(0).elements()) {
    x.refuse_attribute("shape", shape.text(),
                       "a shape of " + std::to_string(x.in(0).elements()) + " elements",
                       "the input is " + x.in(0).text());
  }
  return {f32(shape)};
}

/// A channel of the one is one or several channels of the other where one of the two last axes divides the
/// other.
void scaling_of_reshape(core::Scaling& s) {
  const core::Channels x = s.in(0), y = s.out();
  if (std::max(x.count, y.count) % std::min(x.count, y.count) != 0) {
    s.refuse("reshape mixes its channels");
  } else if (x.count > y.count) {
    s.equal(x, y);
  } else {
    s.equal(y, x);
  }
}

core::OpCard reshape_card() {
  return {
      .name = "reshape",
      .doc = "the same elements under another shape",
      .inputs = {{"x"}},
      .attributes = {integers_field("shape", "extents of the result, outermost first", 1)},
      .infer = infer_reshape,
      .grad =
          [](core::Grad& x) {
            x.set(0, x.build().op("reshape", {x.dy()}, {{"shape", x.shape(0).dims()}}));
          },
      .ref = [](const core::Ref& x) { std::copy(x.in(0).begin(), x.in(0).end(), x.out().begin()); },
      .flops = [](const core::Infer&) { return 0.0; },
      .view = true,
      .scaling = scaling_of_reshape,
      .samples = {{{{{2, 6}}}, {{"shape", {3, 4}}}}, {{{{4}}}, {{"shape", {2, 1, 2}}}}},
  };
}

/// A transpose over as few axes as possible: result extents, and the source's stride of each.
struct Walk {
  std::vector<std::int64_t> extents, strides;
};

Walk walk(const Shape& in, const std::vector<std::int64_t>& axes) {
  const std::vector<std::int64_t> strides = in.strides();
  Walk w;
  for (const std::int64_t axis : axes) {
    const auto d = static_cast<std::size_t>(axis);
    if (in[d] == 1) continue;
    if (!w.extents.empty() && w.strides.back() == strides[d] * in[d]) {
      w.extents.back() *= in[d];
      w.strides.back() = strides[d];
    } else {
      w.extents.push_back(in[d]);
      w.strides.push_back(strides[d]);
    }
  }
  if (w.extents.empty()) w = {{1}, {1}};
  return w;
}

/// Source offset of the position that counts row-major through all axes but `skip` and the last.
std::int64_t offset(const Walk& w, std::int64_t position, std::size_t skip, std::int64_t* result) {
  std::int64_t source = 0, step = w.extents.back(), target = 0;
  for (std::size_t d = w.extents.size() - 1; d-- > 0; step *= w.extents[d]) {
    if (d == skip) continue;
    const std::int64_t index = position % w.extents[d];
    position /= w.extents[d];
    source += index * w.strides[d];
    target += index * step;
  }
  *result = target;
  return source;
}

void copy_rows(const Walk& w, const float* x, float* y, core::Engine& engine) {
  const std::int64_t length = w.extents.back();
  const std::int64_t rows =
      std::accumulate(w.extents.begin(), w.extents.end() - 1, std::int64_t{1}, std::multiplies<>());
  engine.parallel(rows, 1 + 16384 / length, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      std::int64_t target = 0;
      const std::int64_t source = offset(w, row, w.extents.size(), &target);
      std::memcpy(y + target, x + source, static_cast<std::size_t>(length) * sizeof(float));
    }
  });
}

/// The source runs along result axis `q`, the result along its last: 16 x 16 tiles keep both in cache lines.
void copy_tiles(const Walk& w, std::size_t q, const float* x, float* y, core::Engine& engine) {
  constexpr std::int64_t kTile = 16;
  const std::int64_t down = w.extents[q], across = w.extents.back(), stride = w.strides.back();
  std::int64_t others = 1, pitch = 1;
  for (std::size_t d = 0; d + 1 < w.extents.size(); ++d) others *= d == q ? 1 : w.extents[d];
  for (std::size_t d = q + 1; d < w.extents.size(); ++d) pitch *= w.extents[d];
  const std::int64_t bands = (down + kTile - 1) / kTile;
  engine.parallel(others * bands, 1 + 1024 / across, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      std::int64_t target = 0;
      const std::int64_t source = offset(w, task / bands, q, &target);
      const std::int64_t top = task % bands * kTile, bottom = std::min(down, top + kTile);
      for (std::int64_t left = 0; left < across; left += kTile) {
        const std::int64_t right = std::min(across, left + kTile);
        for (std::int64_t i = top; i < bottom; ++i) {
          float* to = y + target + i * pitch;
          const float* from = x + source + i;
          for (std::int64_t j = left; j < right; ++j) to[j] = from[j * stride];
        }
      }
    }
  });
}

core::Lowered lower_transpose(const core::Lower& x) {
  const Walk w = walk(x.in(0), x.integers("axes"));
  if (w.strides.back() == 1) {
    return core::Lowered::own(
        "transpose_rows", [w](const core::Binding& b) { copy_rows(w, b.input(0), b.output(), *b.engine); });
  }
  const auto q =
      static_cast<std::size_t>(std::find(w.strides.begin(), w.strides.end(), 1) - w.strides.begin());
  return core::Lowered::own("transpose_tiles", [w, q](const core::Binding& b) {
    copy_tiles(w, q, b.input(0), b.output(), *b.engine);
  });
}

std::vector<core::TensorType> infer_transpose(const core::Infer& x) {
  const std::vector<std::int64_t> axes = x.integers("axes");
  const std::size_t rank = x.in(0).rank();
  std::vector<std::int64_t> sorted = axes, counted(rank);
  std::sort(sorted.begin(), sorted.end());
  std::iota(counted.begin(), counted.end(), 0);
  if (sorted != counted) {
    x.refuse_attribute("axes", Shape(axes).text(),
                       "every axis from 0 to " + std::to_string(rank - 1) + " once",
                       "the input is " + x.in(0).text());
  }
  std::vector<std::int64_t> dims;
  for (const std::int64_t axis : axes) dims.push_back(x.in(0)[static_cast<std::size_t>(axis)]);
  return {f32(std::move(dims))};
}

void grad_transpose(core::Grad& x) {
  const std::vector<std::int64_t> axes = x.integers("axes");
  std::vector<std::int64_t> inverse(axes.size());
  for (std::size_t d = 0; d < axes.size(); ++d)
    inverse[static_cast<std::size_t>(axes[d])] = static_cast<std::int64_t>(d);
  x.set(0, x.build().op("transpose", {x.dy()}, {{"axes", inverse}}));
}

void reference_transpose(const core::Ref& x) {
  const std::vector<std::int64_t> axes = x.integers("axes"), strides = x.in_shape(0).strides();
  const Shape& out = x.out_shape();
  for (std::size_t at = 0; at < x.out().size(); ++at) {
    std::int64_t rest = static_cast<std::int64_t>(at), from = 0;
    for (std::size_t d = out.rank(); d-- > 0; rest /= out[d])
      from += rest % out[d] * strides[static_cast<std::size_t>(axes[d])];
    x.out()[at] = x.in(0)[static_cast<std::size_t>(from)];
  }
}

/// A last axis that moves takes one factor in all.
void scaling_of_transpose(core::Scaling& s) {
  const std::vector<std::int64_t> axes = s.integers("axes");
  if (static_cast<std::size_t>(axes.back()) + 1 != axes.size()) {
    s.tie(s.in(0));
    s.tie(s.out());
  }
  s.equal(s.out(), s.in(0));
}

core::OpCard transpose_card() {
  return {
      .name = "transpose",
      .doc = "permutes the axes",
      .inputs = {{"x"}},
      .attributes = {integers_field("axes", "for every axis of the result, the axis of the input it is", 0)},
      .infer = infer_transpose,
      .grad = grad_transpose,
      .lower = lower_transpose,
      .ref = reference_transpose,
      .flops = [](const core::Infer&) { return 0.0; },
      .scaling = scaling_of_transpose,
      .samples = {{{{{3, 5}}}, {{"axes", {1, 0}}}},
                  {{{{37, 50}}}, {{"axes", {1, 0}}}},
                  {{{{2, 3, 4, 5}}}, {{"axes", {0, 2, 1, 3}}}},
                  {{{{2, 17, 3, 18}}}, {{"axes", {3, 0, 2, 1}}}},
                  {{{{2, 3, 4}}}, {{"axes", {2, 0, 1}}}},
                  {{{{2, 1, 4}}}, {{"axes", {1, 0, 2}}}}},
  };
}

}  // namespace

core::OpFamily reshape() { return {reshape_card(), transpose_card()}; }

}  // namespace isorbit::ops
