// sum: y = x summed over `axes` (dropped, or kept as extent 1). mean: the same over the number of terms.
//
// Rows are added in fixed chunks whose partial sums are then added in order, so that the bits depend on the
// shape only, never on the number of threads.
#include <algorithm>

#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

std::vector<bool> summed(const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<bool> is(rank, false);
  for (const std::int64_t axis : axes) is[wrap_axis(axis, rank)] = true;
  return is;
}

Shape reduced(const Shape& in, const std::vector<std::int64_t>& axes, bool keep) {
  const std::vector<bool> is = summed(axes, in.rank());
  std::vector<std::int64_t> dims;
  for (std::size_t d = 0; d < in.rank(); ++d) {
    if (!is[d]) dims.push_back(in[d]);
    if (is[d] && keep) dims.push_back(1);
  }
  return Shape(std::move(dims));
}

std::vector<core::TensorType> infer_sum(const core::Infer& x) {
  const std::vector<std::int64_t> axes = x.integers("axes");
  std::vector<bool> seen(x.in(0).rank(), false);
  for (const std::int64_t axis : axes) {
    const std::size_t d = axis_of(x, "axes", axis, seen.size());
    if (seen[d]) x.refuse_attribute("axes", Shape(axes).text(), "every axis at most once");
    seen[d] = true;
  }
  return {f32(reduced(x.in(0), axes, x.flag("keep")))};
}

/// One reduction: [outer, length, inner] to [outer, inner], in chunks of `chunk` along the length.
struct Stage {
  std::int64_t outer = 1, length = 1, inner = 1, chunk = 1;
  [[nodiscard]] std::int64_t chunks() const { return (length + chunk - 1) / chunk; }
};

/// The reduction as stages over merged axes, innermost first.
std::vector<Stage> stages(const Shape& in, const std::vector<std::int64_t>& axes) {
  const std::vector<bool> is = summed(axes, in.rank());
  std::vector<Stage> out;
  std::int64_t inner = 1;
  for (std::size_t d = in.rank(); d-- > 0;) {
    if (!is[d]) {
      inner *= in[d];
      continue;
    }
    std::int64_t length = in[d];
    for (; d > 0 && is[d - 1]; --d) length *= in[d - 1];
    out.push_back({extent_of(in, 0, d), length, inner, inner == 1 ? 4096 : 512});
  }
  if (out.empty()) out.push_back({1, 1, in.elements(), 512});
  return out;
}

float add_run(const float* x, std::int64_t n) {
  constexpr std::int64_t kLanes = 32;
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += x[i + l];
  }
  for (std::int64_t l = 0; i < n; ++i, ++l) lanes[l] += x[i];
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  }
  return lanes[0];
}

/// y[0..width) = sum of `rows` rows that lie `pitch` apart.
void add_rows(const float* x, std::int64_t rows, std::int64_t pitch, std::int64_t width, float* y) {
  constexpr std::int64_t kLanes = 64;
  if (width == kLanes) {
    float lanes[kLanes] = {};
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += x[r * pitch + l];
    }
    std::copy_n(lanes, kLanes, y);
    return;
  }
  std::fill_n(y, width, 0.F);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t l = 0; l < width; ++l) y[l] += x[r * pitch + l];
  }
}

/// x [outer, length, inner] to y [outer, chunks, inner].
void add_chunks(const Stage& s, const float* x, float* y, core::Engine& engine) {
  constexpr std::int64_t kBand = 64;
  const std::int64_t bands = (s.inner + kBand - 1) / kBand, chunks = s.chunks();
  const std::int64_t work = std::min(s.chunk, s.length) * std::min(s.inner, kBand);
  engine.parallel(s.outer * chunks * bands, 1 + 16384 / work, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t left = task % bands * kBand, chunk = task / bands % chunks,
                         o = task / bands / chunks;
      const std::int64_t top = chunk * s.chunk, rows = std::min(s.chunk, s.length - top);
      const float* from = x + (o * s.length + top) * s.inner + left;
      float* to = y + (o * chunks + chunk) * s.inner + left;
      if (s.inner == 1) {
        *to = add_run(from, rows);
      } else {
        add_rows(from, rows, s.inner, std::min(kBand, s.inner - left), to);
      }
    }
  });
}

core::Lowered lower_sum(const core::Lower& x) {
  std::vector<Stage> plan;
  for (const Stage& s : stages(x.in(0), x.integers("axes"))) {
    plan.push_back(s);
    for (Stage last = s; last.chunks() > 1;) {  // the partial sums are summed in the same way
      last.length = last.chunks();
      plan.push_back(last);
    }
  }
  std::int64_t scratch = 0;  // every stage but the last leaves its result here
  for (std::size_t i = 0; i + 1 < plan.size(); ++i)
    scratch += plan[i].outer * plan[i].chunks() * plan[i].inner;
  return core::Lowered::own(
      "sum",
      [plan](const core::Binding& b) {
        const float* from = b.input(0);
        auto* room = static_cast<float*>(b.scratch);
        for (std::size_t i = 0; i < plan.size(); ++i) {
          float* to = i + 1 == plan.size() ? b.output() : room;
          add_chunks(plan[i], from, to, *b.engine);
          from = to;
          room += plan[i].outer * plan[i].chunks() * plan[i].inner;
        }
      },
      static_cast<std::size_t>(scratch) * sizeof(float));
}

void grad_sum(core::Grad& x) {
  const Shape in = x.shape(0);
  const core::ValueId kept = reshape_to(x.build(), x.dy(), reduced(in, x.integers("axes"), true));
  x.set(0, x.build().op("broadcast", {kept}, {{"shape", in.dims()}}));
}

void reference_sum(const core::Ref& x) {
  const Shape& in = x.in_shape(0);
  const std::vector<bool> is = summed(x.integers("axes"), in.rank());
  for (std::size_t at = 0; at < x.in(0).size(); ++at) {
    std::int64_t rest = static_cast<std::int64_t>(at), to = 0, step = 1;
    for (std::size_t d = in.rank(); d-- > 0; rest /= in[d]) {
      if (is[d]) continue;
      to += rest % in[d] * step;
      step *= in[d];
    }
    x.out()[static_cast<std::size_t>(to)] += x.in(0)[at];
  }
}

std::vector<core::Field> axes_fields() {
  return {integers_field("axes", "axes to sum over; negative ones count from the back"),
          flag_field("keep", "keep the summed axes with extent 1", false)};
}

/// A sum over channels needs one factor for all of them.
void scaling(core::Scaling& s) {
  const std::vector<bool> is = summed(s.integers("axes"), s.shape(0).rank());
  const core::Channels in = s.in(0);
  const bool over_channels = !is.empty() && is.back();
  if (over_channels) s.tie(in);
  s.equal(s.out(), over_channels ? in.part(0, 1) : in);
}

core::OpCard sum_card() {
  return {
      .name = "sum",
      .doc = "sums over axes",
      .inputs = {{"x"}},
      .attributes = axes_fields(),
      .infer = infer_sum,
      .grad = grad_sum,
      .lower = lower_sum,
      .ref = reference_sum,
      .flops = [](const core::Infer& x) { return static_cast<double>(x.in(0).elements()); },
      .scaling = scaling,
      .samples = {{{{{7, 5}}}, {{"axes", {0}}}},
                  {{{{7, 5}}}, {{"axes", {-1}}}},
                  {{{{1100, 70}}}, {{"axes", {0}}}},
                  {{{{2, 9000}}}, {{"axes", {1}}}},
                  {{{{3, 4, 2}}}, {{"axes", {0, 1, 2}}}},
                  {{{{3, 4, 2, 5}}}, {{"axes", {0, 2}}, {"keep", true}}},
                  {{{{3, 4}}}, {{"axes", core::Json::array()}}}},
  };
}

core::OpCard mean_card() {
  return {
      .name = "mean",
      .doc = "averages over axes",
      .inputs = {{"x"}},
      .attributes = axes_fields(),
      .infer = infer_sum,
      .expand = [](core::Builder& build, const core::Node& node) -> std::vector<core::ValueId> {
        const auto terms = static_cast<double>(build.shape(node.inputs[0]).elements());
        const core::ValueId total = build.op("sum", node.inputs, node.attributes);
        const auto results = static_cast<double>(build.shape(total).elements());
        return {build.op("scale", {total}, {{"factor", results / terms}})};
      },
      .scaling = scaling,
      .samples = {{{{{7, 5}}}, {{"axes", {0}}}}, {{{{3, 4, 2}}}, {{"axes", {0, 1, 2}}}}},
  };
}

}  // namespace

core::OpFamily sum() { return {sum_card(), mean_card()}; }

}  // namespace isorbit::ops
