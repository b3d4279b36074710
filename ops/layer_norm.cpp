// Layer normalisation (Ba, Kiros and Hinton, arXiv 1607.06450): for every row x of n elements
//   y_i = (x_i - m) r w_i + b_i,  m = mean(x),  r = 1 / sqrt(mean((x - m)^2) + epsilon).
// m and r are further outputs, [rows...] each. Gradient from dy, dm and dr, with h_i = (x_i - m) r:
//   dx_i = r (w_i dy_i - mean_j(w_j dy_j) - h_i mean_j(w_j dy_j h_j)) + (dm - h_i r^2 dr) / n,
//   dw_i = sum over rows of dy_i h_i,   db_i = sum over rows of dy_i.
#include <cmath>

#include "ops/common.hpp"
#include "ops/norm.hpp"
#include "ops/storage.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

/// Inputs 1 to `last` have one element per column.
void check_columns(const Infer& x, std::size_t last) {
  least_rank(x, 0, 1, "the last dimension is normalised");
  const Shape wanted{x.in(0).back()};
  for (std::size_t i = 1; i <= last; ++i) {
    if (x.in(i) != wanted) x.refuse(i, wanted.text(), "it has one element per column of the first input");
  }
}

Shape rows_shape(const Shape& x) {
  return Shape(std::vector<std::int64_t>(x.dims().begin(), x.dims().end() - 1));
}

std::vector<TensorType> infer(const Infer& x) {
  check_columns(x, 2);
  return {f32(x.in(0)), f32(rows_shape(x.in(0))), f32(rows_shape(x.in(0)))};
}

std::vector<TensorType> infer_grad(const Infer& x) {
  check_columns(x, 1);
  const Shape rows = rows_shape(x.in(0));
  for (const std::size_t i : {2, 3, 5, 6}) {
    if (x.has(i) && x.in(i) != rows) x.refuse(i, rows.text(), "there is one statistic per row");
  }
  if (x.has(4)) same_shape(x, 4, 0);
  return {f32(x.in(0)), f32(x.in(1)), f32(x.in(1))};
}

template <class Y>
void forward_row(const float* x, const float* weight, const float* bias, float epsilon, std::int64_t n, Y* y,
                 float& mean, float& reciprocal) {
  const float m =
      sum8(n, [x](std::int64_t i, auto count) { return load(x + i, count); }) / static_cast<float>(n);
  const float squares = sum8(n, [x, m](std::int64_t i, auto count) {
    const Float8 v = load(x + i, count, m) - m;
    return v * v;
  });
  const float r = 1 / std::sqrt(squares / static_cast<float>(n) + epsilon);
  each8(n, [=](std::int64_t i, auto count) {
    store(y + i, (load(x + i, count) - m) * r * load(weight + i, count) + load(bias + i, count), count);
  });
  mean = m;
  reciprocal = r;
}

struct Statistics {
  float mean, reciprocal, dmean, dreciprocal;
};

/// dx may be x or dy where they are stored alike.
template <class D>
void backward_row(const float* x, const float* weight, const Statistics& s, const D* dy, std::int64_t n,
                  float* dx, float* dweight, float* dbias) {
  const float m = s.mean, r = s.reciprocal, size = static_cast<float>(n);
  Float8 sums = {}, dots = {};
  each8(n, [&](std::int64_t i, auto count) {
    const Float8 d = load(weight + i, count) * load(dy + i, count);  // 0 past the end
    sums += d;
    dots += d * (load(x + i, count) - m);
  });
  const float sum = lanes_sum(sums), dot = lanes_sum(dots) * r;
  const float constant = (s.dmean - r * sum) / size, along = (r * dot + r * r * s.dreciprocal) / size;
  each8(n, [=](std::int64_t i, auto count) {
    const Float8 h = (load(x + i, count) - m) * r, d = load(dy + i, count);
    store(dweight + i, load(dweight + i, count) + d * h, count);
    store(dbias + i, load(dbias + i, count) + d, count);
    store(dx + i, d * load(weight + i, count) * r - h * along + constant, count);
  });
}

template <class Y>
Lowered lower_with(const Lower& x) {
  const std::int64_t n = x.in(0).back(), rows = x.in(0).rows();
  const auto epsilon = static_cast<float>(x.number("epsilon"));
  return Lowered::own("layer_norm", [=](const Binding& binding) {
    const float *in = binding.input(0), *weight = binding.input(1), *bias = binding.input(2);
    Y* y = binding.output<Y>(0);
    float *means = binding.output(1), *reciprocals = binding.output(2);
    binding.engine->parallel(rows, row_grain(n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        forward_row(in + r * n, weight, bias, epsilon, n, y + r * n, means[r], reciprocals[r]);
      }
    });
  });
}

template <class D>
Lowered lower_grad_with(const Lower& x) {
  const std::int64_t n = x.in(0).back();
  const RowChunks chunks{x.in(0).rows(), n};
  const std::vector<D> zeros(x.has(4) ? 0 : static_cast<std::size_t>(n));  // stands for an absent dy
  return Lowered::own(
      "layer_norm_grad",
      [=](const Binding& binding) {
        const auto optional = [&](std::size_t i) {
          return i < binding.in.size() ? binding.input(i) : nullptr;
        };
        const float *in = binding.input(0), *weight = binding.input(1), *means = binding.input(2);
        const float *reciprocals = binding.input(3), *dm = optional(5), *dr = optional(6);
        const D* dy = binding.in.size() > 4 ? binding.input<D>(4) : nullptr;
        float *dx = binding.output(0), *dweights = static_cast<float*>(binding.scratch);
        float* dbiases = dweights + chunks.count() * n;
        chunks.each(*binding.engine, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
          float *dweight = dweights + chunk * n, *dbias = dbiases + chunk * n;
          std::fill_n(dweight, n, 0.0F);
          std::fill_n(dbias, n, 0.0F);
          for (std::int64_t r = first; r < last; ++r) {
            const Statistics statistics{means[r], reciprocals[r], dm ? dm[r] : 0, dr ? dr[r] : 0};
            backward_row(in + r * n, weight, statistics, dy ? dy + r * n : zeros.data(), n, dx + r * n,
                         dweight, dbias);
          }
        });
        chunks.add_up(*binding.engine, dweights, binding.output(1));
        chunks.add_up(*binding.engine, dbiases, binding.output(2));
      },
      2 * chunks.partial_bytes());
}

Lowered lower(const Lower& x) {
  return with_storage(x.out_type(0), [&](auto y) { return lower_with<decltype(y)>(x); });
}

Lowered lower_grad(const Lower& x) {
  const TensorType dy = x.has(4) ? x.type(4) : x.type(0);
  return with_storage(dy, [&](auto d) { return lower_grad_with<decltype(d)>(x); });
}

void ref(const Ref& x) {
  const auto in = x.in(0), weight = x.in(1), bias = x.in(2);
  const std::size_t n = weight.size();
  for (std::size_t row = 0; row < in.size() / n; ++row) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) mean += in[row * n + i] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) squares += (in[row * n + i] - mean) * (in[row * n + i] - mean);
    const double r = 1 / std::sqrt(squares / static_cast<double>(n) + x.number("epsilon"));
    for (std::size_t i = 0; i < n; ++i)
      x.out(0)[row * n + i] = (in[row * n + i] - mean) * r * weight[i] + bias[i];
    x.out(1)[row] = mean;
    x.out(2)[row] = r;
  }
}

void ref_grad(const Ref& x) {
  const auto weight = x.in(1);
  const std::size_t n = weight.size();
  const auto size = static_cast<double>(n);
  for (std::size_t row = 0; row < x.in(2).size(); ++row) {
    const double m = x.in(2)[row], r = x.in(3)[row];
    const double dm = x.has(5) ? x.in(5)[row] : 0, dr = x.has(6) ? x.in(6)[row] : 0;
    const auto h = [&](std::size_t i) { return (x.in(0)[row * n + i] - m) * r; };
    const auto dy = [&](std::size_t i) { return x.has(4) ? x.in(4)[row * n + i] : 0; };
    double sum = 0, dot = 0;
    for (std::size_t i = 0; i < n; ++i) sum += weight[i] * dy(i), dot += weight[i] * dy(i) * h(i);
    for (std::size_t i = 0; i < n; ++i) {
      x.out(0)[row * n + i] =
          r * (weight[i] * dy(i) - sum / size - h(i) * dot / size) + (dm - h(i) * r * r * dr) / size;
      x.out(1)[i] += dy(i) * h(i);
      x.out(2)[i] += dy(i);
    }
  }
}

void grad(Grad& g) {
  const std::vector<ValueId> d =
      g.build().all("layer_norm_grad", {g.in(0), g.in(1), g.out(1), g.out(2), g.dy(0), g.dy(1), g.dy(2)});
  for (std::size_t i = 0; i < 3; ++i) g.set(i, d[i]);
}

/// The gain carries what factor the result has.
void scaling(Scaling& s) {
  s.pin(s.in(0), "layer_norm takes out the size of what it reads, but for epsilon");
  s.equal(s.out(), s.in(1));
  s.equal(s.out(), s.in(2));
  s.offset(2);
  for (const std::size_t statistic : {1, 2}) s.pin(s.out(statistic), "it is the size of what is read");
}

}  // namespace

OpFamily layer_norm() {
  OpCard forward;
  forward.name = "layer_norm";
  forward.doc = "y = (x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimension";
  forward.inputs = {{"x"}, {"weight"}, {"bias"}};
  forward.attributes = {number_field("epsilon", "added to the variance", 1e-5)};
  forward.parameters = [](const Infer& x) -> std::vector<ParameterSlot> {
    check_columns(x, 0);
    const TensorType columns = f32(Shape{x.in(0).back()});
    return {{"weight", columns, {{"kind", "ones"}}}, {"bias", columns, {{"kind", "zeros"}}}};
  };
  forward.infer = infer;
  forward.grad = grad;
  forward.lower = lower;
  forward.ref = ref;
  forward.flops = [](const Infer& x) { return 7.0 * static_cast<double>(x.in(0).elements()); };
  forward.scaling = scaling;
  forward.in_place = {{0, 0}};
  forward.narrow = {.outputs = {0}};
  forward.samples = {{{{{3, 5}}, {{5}}, {{5}}}},
                     {{{{2, 3, 40}}, {{40}}, {{40}}}},
                     {{{{9}}, {{9}}, {{9}}}, {{"epsilon", 0.1}}}};

  OpCard backward;
  backward.name = "layer_norm_grad";
  backward.doc =
      "gradients of layer_norm by x, weight and bias, given the mean and the reciprocal deviation of every "
      "row";
  backward.inputs = {{"x"},
                     {"weight"},
                     {"mean"},
                     {"reciprocals"},
                     {"dy", DType::f32, true},
                     {"dmean", DType::f32, true},
                     {"dreciprocals", DType::f32, true}};
  backward.infer = infer_grad;
  backward.lower = lower_grad;
  backward.ref = ref_grad;
  backward.flops = [](const Infer& x) { return 16.0 * static_cast<double>(x.in(0).elements()); };
  backward.in_place = {{4, 0}, {0, 0}};
  backward.narrow = {.inputs = {4}};
  backward.samples = {{{{{3, 5}}, {{5}}, {{3}}, {{3}}, {{3, 5}}}},
                      {{{{2, 37, 40}}, {{40}}, {{2, 37}}, {{2, 37}}, {{2, 37, 40}}, {{2, 37}}, {{2, 37}}}}};
  return {forward, backward};
}

}  // namespace isorbit::ops
