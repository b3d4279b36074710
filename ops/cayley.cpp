// Rotations near the identity from skew-symmetric matrices, as POET trains them (Qiu et al., arXiv
// 2506.08001). x [blocks, b(b-1)/2] holds strict upper triangles, Q = skew(x) [blocks, b, b].
//
// cayley_neumann: G = (I + Q)(I + Q + ... + Q^k) = sum_i c_i Q^i with c = 1, 2, ..., 2, 1, by Horner in the
//   symmetric S = Q^2 over A_j = c_2j I + c_(2j+1) Q:  H_J = A_J,  H_j = A_j + H_(j+1) S,  G = H_0,
//   J = floor((k+1)/2): two products for k = 3, three for k = 4. Exactly I where Q is 0.
// cayley_neumann_grad: from D = dL/dG, dH_0 = D, dH_(j+1) = dH_j S, dS = sum_j H_(j+1)^T dH_j and
//   dQ = sum_j c_(2j+1) dH_j - (Q dS + dS Q); then dx = dQ_ij - dQ_ji for i < j, to which S contributes
//   -(P - P^T), P = Q (dS + dS^T).
#include <algorithm>
#include <vector>

#include "ops/common.hpp"
#include "ops/rotation/matrix.hpp"
#include "ops/rotation/square_stack.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

std::int64_t triangle(std::int64_t b) { return b * (b - 1) / 2; }

/// Coefficient i of (I + Q)(I + ... + Q^terms).
double coefficient(std::int64_t i, std::int64_t terms) { return i == 0 || i == terms + 1 ? 1 : 2; }

/// The truncated series as a polynomial in S: A_j = even(j) I + odd(j) Q, j = 0..last.
struct Series {
  std::int64_t terms;
  [[nodiscard]] std::int64_t last() const { return (terms + 1) / 2; }
  [[nodiscard]] double even(std::int64_t j) const { return coefficient(2 * j, terms); }
  [[nodiscard]] double odd(std::int64_t j) const {
    return 2 * j + 1 <= terms + 1 ? coefficient(2 * j + 1, terms) : 0;
  }
  /// The last A_j is a multiple of I: a product by it costs nothing.
  [[nodiscard]] bool ends_even() const { return terms % 2 == 1; }
  [[nodiscard]] double products() const { return static_cast<double>(1 + last() - (ends_even() ? 1 : 0)); }
  [[nodiscard]] double backward_products() const {
    return products() + static_cast<double>(2 * last() - (ends_even() ? 2 : 0));
  }
};

template <class Number>
void unfold(const Number* x, Number* q, std::int64_t b) {
  for (std::int64_t i = 0; i < b; ++i) {
    q[i * b + i] = 0;
    for (std::int64_t j = i + 1; j < b; ++j, ++x) {
      q[i * b + j] = *x;
      q[j * b + i] = -*x;
    }
  }
}

/// y += scale x over n elements.
void add_scaled(float* y, const float* x, double scale, std::int64_t n) {
  const auto s = static_cast<float>(scale);
  for (std::int64_t i = 0; i < n; ++i) y[i] += s * x[i];
}

void set_scaled(float* y, const float* x, double scale, std::int64_t n) {
  const auto s = static_cast<float>(scale);
  for (std::int64_t i = 0; i < n; ++i) y[i] = s * x[i];
}

void add_identity(float* y, double scale, std::int64_t count, std::int64_t b) {
  for (std::int64_t m = 0; m < count; ++m)
    for (std::int64_t i = 0; i < b; ++i) y[(m * b + i) * b + i] += static_cast<float>(scale);
}

/// One share of a stack with its Q, S and H_1 ... H_J: h(j) for j of the series.
class Powers {
 public:
  /// Buffers: Q, S and one for each of H_1 ... H_J.
  static std::size_t buffers(const Series& series) { return 2 + static_cast<std::size_t>(series.last()); }

  Powers(SquareStack& stack, const Series& series, const float* x) : s_(stack), series_(series) {
    const std::int64_t b = s_.size();
    for (std::int64_t m = 0; m < s_.count(); ++m)
      unfold(x + (s_.first() + m) * triangle(b), q() + m * b * b, b);
    s_.multiply(q(), q(), s());
    for (std::int64_t j = series_.last(); j > 0; --j) make(j, h(j));
  }
  [[nodiscard]] float* q() const { return s_.buffer(0); }
  [[nodiscard]] float* s() const { return s_.buffer(1); }
  [[nodiscard]] float* h(std::int64_t j) const { return s_.buffer(1 + static_cast<std::size_t>(j)); }

  /// H_j = A_j + H_(j+1) S into y.
  void make(std::int64_t j, float* y) const {
    const std::int64_t n = s_.elements();
    if (j == series_.last()) {
      set_scaled(y, q(), series_.odd(j), n);
    } else if (j + 1 == series_.last() && series_.ends_even()) {
      set_scaled(y, s(), series_.even(j + 1), n);
      add_scaled(y, q(), series_.odd(j), n);
    } else {
      s_.multiply(h(j + 1), s(), y);
      add_scaled(y, q(), series_.odd(j), n);
    }
    add_identity(y, series_.even(j), s_.count(), s_.size());
  }

 private:
  SquareStack& s_;
  const Series& series_;
};

/// Size b of the matrices whose triangles input 0 holds; refuses what is no stack of triangles.
std::int64_t stack_of_triangles(const core::Infer& x) {
  const std::int64_t b = x.integer("size");
  if (b > 1 << 15) x.refuse_attribute("size", std::to_string(b), "at most 32768");
  if (x.in(0).rank() != 2 || x.in(0)[1] != triangle(b))
    x.refuse(0, "[blocks, " + std::to_string(triangle(b)) + "]",
             "the strict upper triangle of size " + std::to_string(b) + " has so many entries");
  return b;
}

double cube(std::int64_t blocks, std::int64_t b) {
  return 2.0 * static_cast<double>(blocks * b * b) * static_cast<double>(b);
}

core::Lowered lower_map(const core::Lower& x) {
  const std::int64_t b = x.integer("size");
  const Series series{x.integer("terms")};
  return on_stack("cayley_neumann", x.engine(), x.in(0)[0], b, Powers::buffers(series),
                  {[=](SquareStack& stack, const core::Binding& t) {
                    const Powers powers(stack, series, t.input(0));
                    powers.make(0, t.output() + stack.first() * b * b);
                  }});
}

core::Lowered lower_map_grad(const core::Lower& x) {
  const std::int64_t b = x.integer("size");
  const Series series{x.integer("terms")};
  const std::size_t own = Powers::buffers(series);
  const auto phase = [=](SquareStack& s, const core::Binding& t) {
    const Powers powers(s, series, t.input(0));
    const std::int64_t n = s.elements(), last = series.last();
    float *dq = s.buffer(own), *ds = s.buffer(own + 1), *other = s.buffer(own + 2), *sum = s.buffer(own + 3);
    const float* dh = t.input(1) + s.first() * b * b;
    set_scaled(dq, dh, series.odd(0), n);
    std::fill_n(ds, n, 0.F);
    float* next = other;
    for (std::int64_t j = 0; j < last; ++j) {
      const bool scalar = j + 1 == last && series.ends_even();
      if (scalar) {
        add_scaled(ds, dh, series.even(last), n);
        break;
      }
      s.multiply(powers.h(j + 1), dh, ds, {.transpose_x = true, .add = true});
      s.multiply(dh, powers.s(), next);
      add_scaled(dq, next, series.odd(j + 1), n);
      dh = next;
      next = next == other ? sum : other;
    }
    for (std::int64_t m = 0; m < s.count(); ++m) {  // dS + dS^T
      const float* from = ds + m * b * b;
      for (std::int64_t i = 0; i < b; ++i)
        for (std::int64_t j = 0; j < b; ++j) next[(m * b + i) * b + j] = from[i * b + j] + from[j * b + i];
    }
    s.multiply(powers.q(), next, ds);
    for (std::int64_t i = 0; i < n; ++i) dq[i] -= ds[i];
    for (std::int64_t m = 0; m < s.count(); ++m) {
      const float* d = dq + m * b * b;
      float* dx = t.output() + (s.first() + m) * triangle(b);
      for (std::int64_t i = 0; i < b; ++i)
        for (std::int64_t j = i + 1; j < b; ++j, ++dx) *dx = d[i * b + j] - d[j * b + i];
    }
  };
  return on_stack("cayley_neumann_grad", x.engine(), x.in(0)[0], b, own + 4, {phase});
}

/// I, Q, Q^2, ..., Q^(terms + 1) of one block.
std::vector<Matrix> powers_of(const core::Ref& x, std::int64_t block) {
  const std::int64_t b = x.integer("size");
  Matrix q(static_cast<std::size_t>(b * b));
  unfold(x.in(0).data() + block * triangle(b), q.data(), b);
  std::vector<Matrix> powers = {identity(static_cast<std::size_t>(b))};
  for (std::int64_t i = 0; i <= x.integer("terms"); ++i)
    powers.push_back(product(powers.back(), q, static_cast<std::size_t>(b)));
  return powers;
}

void reference_map(const core::Ref& x) {
  const std::int64_t b = x.integer("size"), terms = x.integer("terms");
  for (std::int64_t block = 0; block < x.in_shape(0)[0]; ++block) {
    const std::vector<Matrix> powers = powers_of(x, block);
    Matrix g(powers[0].size(), 0.0);
    for (std::int64_t i = 0; i <= terms + 1; ++i)
      add(g, powers[static_cast<std::size_t>(i)], coefficient(i, terms));
    std::copy(g.begin(), g.end(), x.out().begin() + block * b * b);
  }
}

/// dQ = sum_i c_i sum_(p + q = i - 1) (Q^p)^T D (Q^q)^T.
void reference_map_grad(const core::Ref& x) {
  const std::int64_t b = x.integer("size"), terms = x.integer("terms");
  const auto size = static_cast<std::size_t>(b);
  for (std::int64_t block = 0; block < x.in_shape(0)[0]; ++block) {
    const std::vector<Matrix> powers = powers_of(x, block);
    const double* from = x.in(1).data() + block * b * b;
    const Matrix d(from, from + b * b);
    Matrix dq(d.size(), 0.0);
    for (std::int64_t i = 1; i <= terms + 1; ++i)
      for (std::int64_t p = 0; p < i; ++p)
        add(dq,
            product(product(powers[static_cast<std::size_t>(p)], d, size, true),
                    powers[static_cast<std::size_t>(i - 1 - p)], size, false, true),
            coefficient(i, terms));
    double* dx = x.out().data() + block * triangle(b);
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = i + 1; j < size; ++j, ++dx) *dx = dq[i * size + j] - dq[j * size + i];
  }
}

core::Field terms_field() { return integer_field("terms", "k of the truncated series", 3, 1); }

core::Field size_field() { return integer_field("size", "rows and columns of a matrix", {}, 2); }

core::OpCard map_card() {
  return {
      .name = "cayley_neumann",
      .doc = "(I + Q)(I + Q + ... + Q^k) of skew-symmetric Q given by their strict upper triangles",
      .inputs = {{"x"}},
      .attributes = {size_field(), terms_field()},
      .infer = [](const core::Infer& x) -> std::vector<core::TensorType> {
        const std::int64_t b = stack_of_triangles(x);
        return {f32(Shape{x.in(0)[0], b, b})};
      },
      .grad =
          [](core::Grad& x) {
            x.set(0, x.build().op("cayley_neumann_grad", {x.in(0), x.dy()},
                                  {{"size", x.integer("size")}, {"terms", x.integer("terms")}}));
          },
      .lower = lower_map,
      .ref = reference_map,
      .flops =
          [](const core::Infer& x) {
            return Series{x.integer("terms")}.products() * cube(x.in(0)[0], x.integer("size"));
          },
      .samples = {{{{{3, 6}}}, {{"size", 4}, {"terms", 3}}},
                  {{{{1, 1}}}, {{"size", 2}, {"terms", 1}}},
                  {{{{5, 10}}}, {{"size", 5}, {"terms", 2}}},
                  {{{{2, 3}}}, {{"size", 3}, {"terms", 4}}},
                  {{{{2, 3}}}, {{"size", 3}, {"terms", 7}}}},
  };
}

core::OpCard map_grad_card() {
  return {
      .name = "cayley_neumann_grad",
      .doc = "gradient of the triangles of cayley_neumann",
      .inputs = {{"x"}, {"d"}},
      .attributes = {size_field(), terms_field()},
      .infer = [](const core::Infer& x) -> std::vector<core::TensorType> {
        const std::int64_t b = stack_of_triangles(x);
        if (x.in(1) != Shape{x.in(0)[0], b, b}) x.refuse(1, Shape{x.in(0)[0], b, b}.text());
        return {f32(x.in(0))};
      },
      .lower = lower_map_grad,
      .ref = reference_map_grad,
      .flops =
          [](const core::Infer& x) {
            return Series{x.integer("terms")}.backward_products() * cube(x.in(0)[0], x.integer("size"));
          },
      .samples = {{{{{3, 6}}, {{3, 4, 4}}}, {{"size", 4}, {"terms", 3}}},
                  {{{{1, 1}}, {{1, 2, 2}}}, {{"size", 2}, {"terms", 1}}},
                  {{{{5, 10}}, {{5, 5, 5}}}, {{"size", 5}, {"terms", 2}}},
                  {{{{2, 3}}, {{2, 3, 3}}}, {{"size", 3}, {"terms", 4}}},
                  {{{{2, 3}}, {{2, 3, 3}}}, {{"size", 3}, {"terms", 7}}}},
  };
}

}  // namespace

core::OpFamily cayley() { return {map_card(), map_grad_card()}; }

}  // namespace isorbit::ops
