// y_j = exp(x_j - max x) / sum_k exp(x_k - max x) over the last dimension. With `causal`, row r of the last
// two dimensions sees columns 0..r only and the rest of y is exactly 0.
// Gradient: dx = y (dy - sum_j y_j dy_j).
#include "ops/kernels/softmax.hpp"

#include <cmath>

#include "ops/common.hpp"
#include "ops/storage.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

void check(const Infer& x) {
  least_rank(x, 0, 1, "the last dimension is normalised");
  if (x.flag("causal")) least_rank(x, 0, 2, "a causal softmax needs [..., queries, keys]");
}

/// Columns that row `row` (of all rows) sees.
std::int64_t visible(bool causal, const Shape& shape, std::int64_t row) {
  return causal ? std::min(row % shape.back(1) + 1, shape.back()) : shape.back();
}

template <class X, class Y>
Lowered lower_own(const Lower& x) {
  const Shape shape = x.in(0);
  const bool causal = x.flag("causal");
  return Lowered::own(causal ? "softmax_causal" : "softmax", [=](const Binding& binding) {
    const std::int64_t n = shape.back();
    binding.engine->parallel(shape.rows(), row_grain(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        kernels::softmax_row(binding.input<X>(0) + r * n, visible(causal, shape, r), n,
                             binding.output<Y>() + r * n);
      }
    });
  });
}

template <class Y, class D, class X>
Lowered lower_grad_own(const Lower& x) {
  const Shape shape = x.in(0);
  const bool causal = x.flag("causal");
  return Lowered::own(causal ? "softmax_causal_grad" : "softmax_grad", [=](const Binding& binding) {
    const std::int64_t n = shape.back();
    binding.engine->parallel(shape.rows(), row_grain(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        kernels::softmax_grad_row(binding.input<Y>(0) + r * n, binding.input<D>(1) + r * n,
                                  visible(causal, shape, r), n, binding.output<X>() + r * n);
      }
    });
  });
}

Lowered lower(const Lower& x) {
  return with_storage(x.type(0), x.out_type(),
                      [&](auto in, auto y) { return lower_own<decltype(in), decltype(y)>(x); });
}

Lowered lower_grad(const Lower& x) {
  return with_storage(x.type(0), x.type(1), x.out_type(), [&](auto y, auto dy, auto dx) {
    return lower_grad_own<decltype(y), decltype(dy), decltype(dx)>(x);
  });
}

void ref(const Ref& x) {
  const std::int64_t n = x.in_shape(0).back();
  for (std::int64_t r = 0; r < x.in_shape(0).rows(); ++r) {
    const auto seen = static_cast<std::size_t>(visible(x.flag("causal"), x.in_shape(0), r));
    const auto row = x.in(0).subspan(static_cast<std::size_t>(r * n), seen);
    const auto y = x.out().subspan(static_cast<std::size_t>(r * n), seen);
    const double most = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (std::size_t i = 0; i < seen; ++i) total += y[i] = std::exp(row[i] - most);
    for (double& value : y) value /= total;
  }
}

void ref_grad(const Ref& x) {
  const std::int64_t n = x.in_shape(0).back();
  for (std::int64_t r = 0; r < x.in_shape(0).rows(); ++r) {
    const auto seen = static_cast<std::size_t>(visible(x.flag("causal"), x.in_shape(0), r));
    const auto first = static_cast<std::size_t>(r * n);
    double dot = 0;
    for (std::size_t i = first; i < first + seen; ++i) dot += x.in(0)[i] * x.in(1)[i];
    for (std::size_t i = first; i < first + seen; ++i) x.out()[i] = x.in(0)[i] * (x.in(1)[i] - dot);
  }
}

}  // namespace

OpFamily softmax() {
  const std::vector<Field> attributes = {
      flag_field("causal", "row r of the last two dimensions sees columns 0..r only", false)};
  OpCard forward;
  forward.name = "softmax";
  forward.doc = "exponentials over the last dimension, scaled to sum to one";
  forward.inputs = {{"x"}};
  forward.attributes = attributes;
  forward.infer = [](const Infer& x) {
    check(x);
    return like_first(x);
  };
  forward.grad = [](Grad& g) {
    const Json resolved = g.node().attributes;
    g.set(0, g.build().op("softmax_grad", {g.out(), g.dy()}, resolved));
  };
  forward.lower = lower;
  forward.ref = ref;
  forward.flops = [](const Infer& x) { return 5.0 * static_cast<double>(x.in(0).elements()); };
  forward.scaling = not_homogeneous;
  forward.in_place = {{0, 0}};
  forward.narrow = {.inputs = {0}, .outputs = {0}};
  forward.samples = {{{{{3, 5}}}},
                     {{{{2, 3, 37}}}},
                     {{{{2, 9, 9}}}, {{"causal", true}}},
                     {{{{3, 20, 33}}}, {{"causal", true}}}};

  OpCard backward;
  backward.name = "softmax_grad";
  backward.doc = "gradient of softmax, given its result";
  backward.inputs = {{"y"}, {"dy"}};
  backward.attributes = attributes;
  backward.infer = [](const Infer& x) {
    check(x);
    same_shape(x, 1, 0);
    return like_first(x);
  };
  backward.lower = lower_grad;
  backward.ref = ref_grad;
  backward.flops = [](const Infer& x) { return 4.0 * static_cast<double>(x.in(0).elements()); };
  backward.in_place = {{1, 0}};
  backward.narrow = {.inputs = {0, 1}, .outputs = {0}};
  backward.samples = {{{{{3, 5}}, {{3, 5}}}},
                      {{{{2, 3, 37}}, {{2, 3, 37}}}},
                      {{{{2, 9, 9}}, {{2, 9, 9}}}, {{"causal", true}}}};
  return {forward, backward};
}

}  // namespace isorbit::ops
