// m g^-T (side "right") or g^-T m ("left") for every block [b, b] of m and g [blocks, b, b]. A layer y = x
// W^T with W = g W1 has dL/dg g^T = dy^T y, a product of what it reads and writes; divided by g^T it is
// dL/dg.
//
// With E = g^T g - I ("left": g g^T - I), small where g is near a rotation,
//   m g^-T = m g (I + E)^-1 = m g (I - E)(I + E^2)(I + E^4) ...
// whose error after the factor with E^p is E^(2 p); factors follow until that is below the rounding of f32.
// Where |E| is 1/2 or more, g is inverted by LU. The largest |E| decides for all blocks together, so that
// shares and threads change no digit.
#include <cmath>
#include <memory>

#include "core/linalg/linalg.hpp"
#include "ops/common.hpp"
#include "ops/rotation/matrix.hpp"
#include "ops/rotation/square_stack.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

namespace {

/// Past this Frobenius norm of E the series converges too slowly, or not at all.
constexpr double kFar = 0.5;
constexpr double kRounding = 0x1p-26;

double frobenius(const float* x, std::int64_t n) {
  return std::sqrt(sum8(n, [&](std::int64_t i, auto count) {
    const Float8 v = load(x + i, count);
    return v * v;
  }));
}

void divide_by_elimination(const float* m, const float* g, float* y, std::int64_t b, bool left) {
  const auto size = static_cast<std::size_t>(b);
  Matrix inverse(g, g + b * b);
  core::inverse(inverse, inverse, size);
  const Matrix from(m, m + b * b);
  const Matrix d = left ? product(inverse, from, size, true) : product(from, inverse, size, false, true);
  for (std::size_t i = 0; i < d.size(); ++i) y[i] = static_cast<float>(d[i]);
}

core::Lowered lower_divide(const core::Lower& x) {
  const std::int64_t blocks = x.in(0)[0], b = x.in(0)[1];
  const bool left = x.text("side") == "left";
  core::use_one_blas_thread();
  const auto norms = std::make_shared<std::vector<double>>(static_cast<std::size_t>(blocks));
  const StackPhase near = [=](SquareStack& s, const core::Binding& t) {  // buffer 0: -E
    const float* g = t.input(1) + s.first() * b * b;
    s.multiply(g, g, s.buffer(0), {.transpose_x = !left, .transpose_y = left});
    for (std::int64_t i = 0; i < s.elements(); ++i) s.buffer(0)[i] = -s.buffer(0)[i];
    s.add_identity(s.buffer(0));
    for (std::int64_t m = 0; m < s.count(); ++m)
      (*norms)[static_cast<std::size_t>(s.first() + m)] = frobenius(s.buffer(0) + m * b * b, b * b);
  };
  const StackPhase divide = [=](SquareStack& s, const core::Binding& t) {
    const float *m = t.input(0) + s.first() * b * b, *g = t.input(1) + s.first() * b * b;
    float* y = t.output() + s.first() * b * b;
    const double norm = *std::max_element(norms->begin(), norms->end());
    if (norm >= kFar) {
      for (std::int64_t i = 0; i < s.elements(); i += b * b)
        divide_by_elimination(m + i, g + i, y + i, b, left);
      return;
    }
    const auto apply = [&](const float* on, const float* factor, float* to, bool add) {
      s.multiply(left ? factor : on, left ? on : factor, to, {.add = add});
    };
    apply(m, g, y, false);
    const float* power = s.buffer(0);
    float *d = s.buffer(1), *next = s.buffer(2);
    for (double error = norm; error > kRounding; error *= error) {  // y <- y + y power
      std::copy_n(y, s.elements(), d);
      apply(d, power, y, true);
      if (error * error <= kRounding) break;
      s.multiply(power, power, next);
      power = next;
      next = next == s.buffer(2) ? s.buffer(0) : s.buffer(2);
    }
  };
  return on_stack("divide_transposed", x.engine(), blocks, b, 3, {near, divide});
}

void reference_divide(const core::Ref& x) {
  const auto b = static_cast<std::size_t>(x.in_shape(0)[1]);
  for (std::size_t at = 0; at < x.in(0).size(); at += b * b) {
    const Matrix m(x.in(0).begin() + static_cast<std::ptrdiff_t>(at),
                   x.in(0).begin() + static_cast<std::ptrdiff_t>(at + b * b));
    Matrix inverse(x.in(1).begin() + static_cast<std::ptrdiff_t>(at),
                   x.in(1).begin() + static_cast<std::ptrdiff_t>(at + b * b));
    core::inverse(inverse, inverse, b);
    const Matrix d =
        x.text("side") == "left" ? product(inverse, m, b, true) : product(m, inverse, b, false, true);
    std::copy(d.begin(), d.end(), x.out().begin() + static_cast<std::ptrdiff_t>(at));
  }
}

core::OpCard divide_card() {
  return {
      .name = "divide_transposed",
      .doc = "m g^-T or g^-T m of every block, fast where g is near a rotation",
      .inputs = {{"m"}, {"g"}},
      .attributes = {{"side", core::Spec::text().one_of({"left", "right"}), "where g^-T stands",
                      core::Json("right"), false}},
      .infer = [](const core::Infer& x) -> std::vector<core::TensorType> {
        if (x.in(0).rank() != 3 || x.in(0)[1] != x.in(0)[2])
          x.refuse(0, "[blocks, b, b]", "it holds square matrices");
        same_shape(x, 1, 0);
        return like_first(x);
      },
      .lower = lower_divide,
      .ref = reference_divide,
      .flops = [](const core::Infer& x) { return 3 * stack_flops(x.in(0)[0], x.in(0)[1]); },
      .samples = {{{{{3, 4, 4}}, {{3, 4, 4}}}},
                  {{{{3, 4, 4}}, {{3, 4, 4}}}, {{"side", "left"}}},
                  {{{{1, 1, 1}}, {{1, 1, 1}}}}},
  };
}

}  // namespace

core::OpFamily divide_transposed() { return {divide_card()}; }

}  // namespace isorbit::ops
