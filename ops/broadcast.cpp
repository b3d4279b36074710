// y = x stretched to `shape` by numpy's rules: axes are aligned at the back, extent 1 repeats. Its gradient
// is a sum.
#include <algorithm>

#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

/// Source stride of every axis of the result: 0 where the source repeats.
std::vector<std::int64_t> repeat_strides(const Shape& in, const Shape& out) {
  const std::vector<std::int64_t> own = in.strides();
  std::vector<std::int64_t> strides(out.rank(), 0);
  const std::size_t added = out.rank() - in.rank();
  for (std::size_t d = 0; d < in.rank(); ++d) strides[added + d] = in[d] == 1 ? 0 : own[d];
  return strides;
}

std::vector<core::TensorType> infer_broadcast(const core::Infer& x) {
  const Shape out = shape_attribute(x, "shape");
  const Shape& in = x.in(0);
  bool fits = in.rank() <= out.rank();
  for (std::size_t d = 0; fits && d < in.rank(); ++d) fits = in.back(d) == 1 || in.back(d) == out.back(d);
  if (!fits) x.refuse(0, "extents equal to those of " + out.text() + " or 1, aligned at the back");
  return {f32(out)};
}

core::Lowered lower_broadcast(const core::Lower& x) {
  std::vector<std::int64_t> strides = repeat_strides(x.in(0), x.out()), dims = x.out().dims();
  if (dims.empty()) dims = {1}, strides = {0};
  std::int64_t length = dims.back(), step = strides.back();
  dims.pop_back(), strides.pop_back();
  while (!dims.empty() && (step == 0 ? strides.back() == 0 : strides.back() == length)) {
    length *= dims.back();
    dims.pop_back(), strides.pop_back();
  }
  return core::Lowered::own("broadcast", [=](const core::Binding& b) {
    const std::int64_t rows = Shape(dims).elements();
    b.engine->parallel(rows, 1 + 16384 / length, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t row = first; row < last; ++row) {
        std::int64_t rest = row, from = 0;
        for (std::size_t d = dims.size(); d-- > 0; rest /= dims[d]) from += rest % dims[d] * strides[d];
        float* to = b.output() + row * length;
        if (step == 0) {
          std::fill_n(to, length, b.input(0)[from]);
        } else {
          std::copy_n(b.input(0) + from, length, to);
        }
      }
    });
  });
}

void reference_broadcast(const core::Ref& x) {
  const Shape& out = x.out_shape();
  const std::vector<std::int64_t> strides = repeat_strides(x.in_shape(0), out);
  for (std::size_t at = 0; at < x.out().size(); ++at) {
    std::int64_t rest = static_cast<std::int64_t>(at), from = 0;
    for (std::size_t d = out.rank(); d-- > 0; rest /= out[d]) from += rest % out[d] * strides[d];
    x.out()[at] = x.in(0)[static_cast<std::size_t>(from)];
  }
}

}  // namespace

core::OpFamily broadcast() {
  core::OpCard card{
      .name = "broadcast",
      .doc = "repeats along axes of extent 1 and along new leading axes",
      .inputs = {{"x"}},
      .attributes = {integers_field("shape", "extents of the result", 1)},
      .infer = infer_broadcast,
      .grad = [](core::Grad& x) { x.set(0, sum_to(x.build(), x.dy(), x.shape(0))); },
      .lower = lower_broadcast,
      .ref = reference_broadcast,
      .flops = [](const core::Infer&) { return 0.0; },
      .scaling = follows_first,
      .samples = {{{{{5}}}, {{"shape", {3, 5}}}},
                  {{{{3, 1}}}, {{"shape", {3, 5}}}},
                  {{{{1}}}, {{"shape", {2, 3}}}},
                  {{{{2, 1, 4, 1}}}, {{"shape", {3, 2, 5, 4, 2}}}},
                  {{{{2, 3}}}, {{"shape", {2, 3}}}},
                  {{{Shape{}}}, {{"shape", {4}}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
