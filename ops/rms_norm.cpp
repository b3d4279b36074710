// Root-mean-square normalisation (Zhang and Sennrich, arXiv 1910.07467): for every row x of n elements
//   y_i = x_i r w_i,  r = 1 / sqrt(mean(x^2) + epsilon).
// With `group` = g every slice of g columns is a row of its own under one shared weight [g]: QK-norm of
// [B, S, H D] with g = D. The reciprocal r is a second output, [rows...] or [rows..., slices].
// Gradient from dy and dr:
//   dx_i = r w_i dy_i - x_i r^3 / n (sum_j(w_j dy_j x_j) + dr),   dw_i = sum over rows of dy_i x_i r.
#include <cmath>

#include "ops/common.hpp"
#include "ops/norm.hpp"
#include "ops/storage.hpp"

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

template <class Y>
void forward_row(const float* x, const float* weight, float epsilon, std::int64_t n, Y* y,
                 float& reciprocal) {
  const float squares = sum8(n, [x](std::int64_t i, auto count) {
    const Float8 v = load(x + i, count);
    return v * v;
  });
  const float r = 1 / std::sqrt(squares / static_cast<float>(n) + epsilon);
  each8(n, [=](std::int64_t i, auto count) {
    store(y + i, load(x + i, count) * r * load(weight + i, count), count);
  });
  reciprocal = r;
}

/// dx may be x or dy where they are stored alike.
template <class D>
void backward_row(const float* x, const float* weight, float r, const D* dy, float dr, std::int64_t n,
                  float* dx, float* dweight) {
  const float dot = sum8(n, [=](std::int64_t i, auto count) {
    return load(x + i, count) * load(weight + i, count) * load(dy + i, count);
  });
  const float along = r * r * r * (dot + dr) / static_cast<float>(n);
  each8(n, [=](std::int64_t i, auto count) {
    const Float8 v = load(x + i, count), scaled = load(dy + i, count) * r;
    store(dweight + i, load(dweight + i, count) + scaled * v, count);
    store(dx + i, scaled * load(weight + i, count) - v * along, count);
  });
}

template <class Y>
Lowered lower_with(const Lower& x) {
  const std::int64_t n = columns_of(x, x.in(0)), rows = x.in(0).elements() / n;
  const auto epsilon = static_cast<float>(x.number("epsilon"));
  return Lowered::own("rms_norm", [=](const Binding& binding) {
    const float *in = binding.input(0), *weight = binding.input(1);
    Y* y = binding.output<Y>(0);
    float* reciprocals = binding.output(1);
    binding.engine->parallel(rows, row_grain(n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        forward_row(in + r * n, weight, epsilon, n, y + r * n, reciprocals[r]);
      }
    });
  });
}

template <class D>
Lowered lower_grad_with(const Lower& x) {
  const std::int64_t n = columns_of(x, x.in(0));
  const RowChunks chunks{x.in(0).elements() / n, n};
  const std::vector<D> zeros(x.has(3) ? 0 : static_cast<std::size_t>(n));  // stands for an absent dy
  return Lowered::own(
      "rms_norm_grad",
      [=](const Binding& binding) {
        const float *in = binding.input(0), *weight = binding.input(1), *reciprocals = binding.input(2);
        const D* dy = binding.in.size() > 3 ? binding.input<D>(3) : nullptr;
        const float* dr = binding.in.size() > 4 ? binding.input(4) : nullptr;
        float *dx = binding.output(0), *partial = static_cast<float*>(binding.scratch);
        chunks.each(*binding.engine, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
          float* dweight = partial + chunk * n;
          std::fill_n(dweight, n, 0.0F);
          for (std::int64_t r = first; r < last; ++r) {
            backward_row(in + r * n, weight, reciprocals[r], dy ? dy + r * n : zeros.data(), dr ? dr[r] : 0,
                         n, dx + r * n, dweight);
          }
        });
        chunks.add_up(*binding.engine, partial, binding.output(1));
      },
      chunks.partial_bytes());
}

Lowered lower(const Lower& x) {
  return with_storage(x.out_type(0), [&](auto y) { return lower_with<decltype(y)>(x); });
}

Lowered lower_grad(const Lower& x) {
  const TensorType dy = x.has(3) ? x.type(3) : x.type(0);
  return with_storage(dy, [&](auto d) { return lower_grad_with<decltype(d)>(x); });
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
