// Root-mean-square normalisation (Zhang and Sennrich, arXiv 1910.07467): for every row x of n elements
//   y_i = x_i r w_i,  r = 1 / sqrt(mean(x^2) + epsilon).
// With `group` = g every slice of g columns is a row of its own under one shared weight [g]: QK-norm of
// [B, S, H D] with g = D. The reciprocal r is a second output, [rows...] or [rows..., slices].
// Gradient from dy and dr:
//   dx_i = r w_i dy_i - x_i r^3 / n (sum_j(w_j dy_j x_j) + dr),   dw_i = sum over rows of dy_i x_i r.
#include "ops/kernels/rms_norm.hpp"

#include <cmath>

#include "ops/common.hpp"
#include "ops/norm.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

/// Columns normalised together. Refuses a group that does not divide the last dimension.
std::int64_t checked_columns(const Infer& x) {
  least_rank(x, 0, 1, "the last dimension is normalised");
  const std::int64_t last = x.in(0).back(), group = x.integer("group");
  if (group > 0 && last % group != 0) {
    x.refuse_attribute("group", std::to_string(group), "a divisor of " + std::to_string(last),
                       "the last dimension of " + x.in(0).text() + " is normalised in slices of this size");
  }
  return group > 0 ? group : last;
}

std::int64_t columns_of(const Attributes& attributes, const Shape& x) {
  const std::int64_t group = attributes.integer("group");
  return group > 0 ? group : x.back();
}

Shape statistics_shape(const Infer& x) {
  std::vector<std::int64_t> dims = x.in(0).dims();
  const std::int64_t slices = dims.back() / checked_columns(x);
  dims.pop_back();
  if (x.integer("group") > 0) dims.push_back(slices);
  return Shape(dims);
}

void check_weight(const Infer& x) {
  const Shape wanted{checked_columns(x)};
  if (x.in(1) != wanted) x.refuse(1, wanted.text(), "the weight has one element per normalised column");
}

std::vector<TensorType> infer(const Infer& x) {
  check_weight(x);
  return {f32(x.in(0)), f32(statistics_shape(x))};
}

std::vector<TensorType> infer_grad(const Infer& x) {
  check_weight(x);
  const Shape statistics = statistics_shape(x);
  if (x.in(2) != statistics) x.refuse(2, statistics.text(), "there is one reciprocal per normalised row");
  if (x.has(3)) same_shape(x, 3, 0);
  if (x.has(4)) same_shape(x, 4, 2);

  return {f32(x.in(0)), f32(x.in(1))};
}

Lowered lower(const Lower& x) {
  const std::int64_t n = columns_of(x, x.in(0)), rows = x.in(0).elements() / n;
  const auto epsilon = static_cast<float>(x.number("epsilon"));
  return Lowered::own("rms_norm", [=, of_y = x.out_type(0)](const Binding& binding) {
    const float *in = binding.input(0), *weight = binding.input(1);
    const Output y(binding.out[0], of_y);
    float* reciprocals = binding.output(1);
    binding.engine->parallel(rows, row_grain(n), [=](std::int64_t first, std::int64_t last) {
      kernels::rms_norm(in, weight, epsilon, n, first, last, y, reciprocals);
    });
  });
}

Lowered lower_grad(const Lower& x) {
  const std::int64_t n = columns_of(x, x.in(0));
  const RowChunks chunks{x.in(0).elements() / n, n};
  return Lowered::own(
      "rms_norm_grad",
      [=, of_dy = x.has(3) ? x.type(3) : x.type(0)](const Binding& binding) {
        const Input dy(binding.in.size() > 3 ? binding.in[3] : nullptr, of_dy);
        const float* dr = binding.in.size() > 4 ? binding.input(4) : nullptr;
        const kernels::RmsNormGrad in{binding.input(0), binding.input(1), binding.input(2), dy, dr};
        float *dx = binding.output(0), *partial = static_cast<float*>(binding.scratch);
        chunks.each(*binding.engine, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
          float* dweight = partial + chunk * n;
          std::fill_n(dweight, n, 0.0F);
          kernels::rms_norm_grad(in, n, first, last, dx, dweight);
        });
        chunks.add_up(*binding.engine, partial, binding.output(1));
      },
      chunks.partial_bytes());
}

void ref(const Ref& x) {
  const auto in = x.in(0), weight = x.in(1);
  const std::size_t n = weight.size();
  for (std::size_t row = 0; row < in.size() / n; ++row) {
    double squares = 0;
    for (std::size_t i = 0; i < n; ++i) squares += in[row * n + i] * in[row * n + i];
    const double r = 1 / std::sqrt(squares / static_cast<double>(n) + x.number("epsilon"));
    for (std::size_t i = 0; i < n; ++i) x.out(0)[row * n + i] = in[row * n + i] * r * weight[i];
    x.out(1)[row] = r;
  }
}

void ref_grad(const Ref& x) {
  const auto in = x.in(0), weight = x.in(1), reciprocals = x.in(2);
  const std::size_t n = weight.size();
  for (std::size_t row = 0; row < reciprocals.size(); ++row) {
    const auto dy = [&](std::size_t i) { return x.has(3) ? x.in(3)[row * n + i] : 0; };
    const double r = reciprocals[row];
    double dot = x.has(4) ? x.in(4)[row] : 0;
    for (std::size_t i = 0; i < n; ++i) dot += weight[i] * dy(i) * in[row * n + i];
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = row * n + i;
      x.out(0)[at] = r * weight[i] * dy(i) - in[at] * r * r * r * dot / static_cast<double>(n);
      x.out(1)[i] += dy(i) * in[at] * r;
    }
  }
}

void grad(Grad& g) {
  const Json attributes = g.node().attributes;
  const std::vector<ValueId> d =
      g.build().all("rms_norm_grad", {g.in(0), g.in(1), g.out(1), g.dy(0), g.dy(1)}, attributes);
  g.set(0, d[0]);
  g.set(1, d[1]);
}

/// The gain carries what factor the result has.
void scaling(Scaling& s) {
  s.pin(s.in(0), "rms_norm takes out the size of what it reads, but for epsilon");
  s.equal(s.out(), s.in(1));
  if (s.out().count > s.in(1).count) s.finer(s.in(1), "slice", "all slices share one gain");
  s.pin(s.out(1), "it is the size of what is read");
}

}  // namespace

OpFamily rms_norm() {
  const std::vector<Field> attributes = {
      number_field("epsilon", "added to the mean square", 1e-6),
      integer_field("group", "columns normalised together; 0: the whole last dimension", 0, 0)};
  OpCard forward;
  forward.name = "rms_norm";
  forward.doc = "y = x / sqrt(mean(x^2) + epsilon) * weight over the last dimension, or slices of it";
  forward.inputs = {{"x"}, {"weight"}};
  forward.attributes = attributes;
  forward.parameters = [](const Infer& x) -> std::vector<ParameterSlot> {
    return {{"weight", f32(Shape{checked_columns(x)}), {{"kind", "ones"}}}};
  };
  forward.infer = infer;
  forward.grad = grad;
  forward.lower = lower;
  forward.ref = ref;
  forward.flops = [](const Infer& x) { return 4.0 * static_cast<double>(x.in(0).elements()); };
  forward.scaling = scaling;
  forward.in_place = {{0, 0}};
  forward.narrow = {.outputs = {0}};
  forward.samples = {{{{{3, 5}}, {{5}}}}, {{{{2, 3, 40}}, {{40}}}}, {{{{2, 3, 12}}, {{4}}}, {{"group", 4}}}};

  OpCard backward;
  backward.name = "rms_norm_grad";
  backward.doc = "gradients of rms_norm by x and by weight, given the reciprocals of the rows";
  backward.inputs = {
      {"x"}, {"weight"}, {"reciprocals"}, {"dy", DType::f32, true}, {"dreciprocals", DType::f32, true}};
  backward.attributes = attributes;
  backward.infer = infer_grad;
  backward.lower = lower_grad;
  backward.ref = ref_grad;
  backward.flops = [](const Infer& x) { return 9.0 * static_cast<double>(x.in(0).elements()); };
  backward.in_place = {{3, 0}, {0, 0}};
  backward.narrow = {.inputs = {3}};
  backward.samples = {{{{{3, 5}}, {{5}}, {{3}}, {{3, 5}}}},
                      {{{{2, 37, 40}}, {{40}}, {{2, 37}}, {{2, 37, 40}}}},
                      {{{{2, 3, 12}}, {{4}}, {{2, 3, 3}}, {{2, 3, 12}}, {{2, 3, 3}}}, {{"group", 4}}}};
  return {forward, backward};
}

}  // namespace isorbit::ops
