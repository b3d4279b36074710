// y = x^-1 of every matrix of x [..., b, b], by LU with partial pivoting (LAPACK, one thread per matrix).
// dx = -y^T dy y^T. The exact Cayley map (I + Q)(I - Q)^-1 needs it.
#include <cmath>

#include "core/linalg/linalg.hpp"
#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

std::vector<core::TensorType> infer(const core::Infer& x) {
  least_rank(x, 0, 2, "it holds square matrices");
  if (x.in(0).back(0) != x.in(0).back(1))
    x.refuse(0, "two equal last extents", "only square matrices have an inverse");
  return like_first(x);
}

void grad(core::Grad& x) {
  core::Builder& build = x.build();
  const core::ValueId y = x.out(), dy = x.dy();
  const core::ValueId left = build.op("matmul", {y, dy}, {{"transpose_a", true}, {"alpha", -1.0}});
  x.set(0, build.op("matmul", {left, y}, {{"transpose_b", true}}));
}

core::Lowered lower(const core::Lower& x) {
  const std::int64_t b = x.in(0).back(), n = x.in(0).elements() / (b * b);
  core::use_one_blas_thread();
  return core::Lowered::own("inverse_lapack", [=](const core::Binding& t) {
    const auto size = static_cast<std::size_t>(b);
    t.engine->parallel(n, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t m = first; m < last; ++m) {
        core::inverse(std::span<const float>(t.input(0) + m * b * b, size * size),
                      std::span<float>(t.output() + m * b * b, size * size), size);
      }
    });
  });
}

/// Gauss-Jordan elimination with partial pivoting; y starts as the identity and ends as the inverse of a.
void eliminate(std::vector<double> a, double* y, std::size_t b) {
  for (std::size_t i = 0; i < b; ++i) y[i * b + i] = 1;
  for (std::size_t c = 0; c < b; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < b; ++r) {
      if (std::abs(a[r * b + c]) > std::abs(a[pivot * b + c])) pivot = r;
    }
    if (a[pivot * b + c] == 0) throw std::domain_error("a singular matrix has no inverse");
    const double factor = 1 / a[pivot * b + c];
    for (std::size_t j = 0; j < b; ++j) {
      std::swap(a[c * b + j], a[pivot * b + j]), std::swap(y[c * b + j], y[pivot * b + j]);
      a[c * b + j] *= factor, y[c * b + j] *= factor;
    }
    for (std::size_t r = 0; r < b; ++r) {
      const double times = a[r * b + c];
      if (r == c || times == 0) continue;
      for (std::size_t j = 0; j < b; ++j)
        a[r * b + j] -= times * a[c * b + j], y[r * b + j] -= times * y[c * b + j];
    }
  }
}

void reference(const core::Ref& x) {
  const auto b = static_cast<std::size_t>(x.in_shape(0).back());
  for (std::size_t at = 0; at < x.in(0).size(); at += b * b) {
    const double* from = x.in(0).data() + at;
    eliminate({from, from + b * b}, x.out().data() + at, b);
  }
}

}  // namespace

core::OpFamily inverse() {
  core::OpCard card{
      .name = "inverse",
      .doc = "inverses of square matrices",
      .inputs = {{"x"}},
      .infer = infer,
      .grad = grad,
      .lower = lower,
      .ref = reference,
      .flops =
          [](const core::Infer& x) { return 2.0 * static_cast<double>(x.in(0).elements() * x.in(0).back()); },
      .samples = {{{{{3, 3}}}}, {{{{4, 6, 6}}}}, {{{{2, 2, 1, 1}}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
