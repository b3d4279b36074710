// Rotations near the identity from skew-symmetric matrices, as POET trains them (Qiu et al., arXiv
// 2506.08001). x [blocks, b(b-1)/2] holds strict upper triangles, Q = skew(x) [blocks, b, b].
//
// cayley_neumann: G = (I + Q)(I + Q + ... + Q^k) = sum_i c_i Q^i with c = 1, 2, ..., 2, 1, by Horner in the
//   symmetric S = Q^2 over A_j = c_2j I + c_(2j+1) Q:  H_J = A_J,  H_j = A_j + H_(j+1) S,  G = H_0,
//   J = floor((k+1)/2): two products for k = 3, three for k = 4. Exactly I where Q is 0.
// cayley_powers: G with what its gradient needs, S and H_1 ... H_(J-1) as [J, blocks, b, b]; how a
//   cayley_neumann is written after differentiation.
// cayley_neumann_grad: from D = dL/dG, dH_0 = D, dH_(j+1) = dH_j S, dS = sum_j H_(j+1)^T dH_j and
//   dQ = sum_j c_(2j+1) dH_j - (Q dS + dS Q); then dx = dQ_ij - dQ_ji for i < j, to which S contributes
//   -(P - P^T), P = Q (dS + dS^T). Three products for k = 3, five for k = 4.
#include <algorithm>
#include <vector>

#include "ops/common.hpp"
#include "ops/rotation/cayley_series.hpp"
#include "ops/rotation/square_stack.hpp"
#include "ops/rotation/triangle.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

/// y += scale x over n elements.
void add_scaled(float* y, const float* x, double scale, std::int64_t n) {
  const auto s = static_cast<float>(scale);
  for (std::int64_t i = 0; i < n; ++i) y[i] += s * x[i];
}

void set_scaled(float* y, const float* x, double scale, std::int64_t n) {
  const auto s = static_cast<float>(scale);
  for (std::int64_t i = 0; i < n; ++i) y[i] = s * x[i];
}

/// One share of a stack with its Q and H_J, made anew, and S and H_1 ... H_(J-1), kept as [J, blocks, b, b].
template <class Number>
class Powers {
 public:
  static constexpr std::size_t kBuffers = 2;

  Powers(const SquareStack& stack, const Series& series, const float* x, Number* kept, std::int64_t blocks)
      : s_(stack), series_(series), kept_(kept), blocks_(blocks) {
    const std::int64_t b = s_.size();
    for (std::int64_t m = 0; m < s_.count(); ++m)
      unfold(x + (s_.first() + m) * triangle(b), q() + m * b * b, b);
    set_scaled(top(), q(), series_.odd(series_.last()), s_.elements());
    s_.add_identity(top(), series_.even(series_.last()));
  }
  [[nodiscard]] float* q() const { return s_.buffer(0); }
  [[nodiscard]] Number* s() const { return kept_ + s_.first() * s_.size() * s_.size(); }
  [[nodiscard]] const float* h(std::int64_t j) const { return j == series_.last() ? top() : kept(j); }
  [[nodiscard]] Number* kept(std::int64_t j) const {
    return kept_ + (j * blocks_ + s_.first()) * s_.size() * s_.size();
  }

 private:
  [[nodiscard]] float* top() const { return s_.buffer(1); }

  const SquareStack& s_;
  const Series& series_;
  Number* kept_;
  std::int64_t blocks_;
};

/// H_j = A_j + H_(j+1) S into y, for j < J.
void step_down(SquareStack& stack, const Series& series, const Powers<float>& p, std::int64_t j, float* y) {
  const std::int64_t n = stack.elements();
  if (j + 1 == series.last() && series.ends_even()) {
    set_scaled(y, p.s(), series.even(j + 1), n);
  } else {
    stack.multiply(p.h(j + 1), p.s(), y);
  }
  add_scaled(y, p.q(), series.odd(j), n);
  stack.add_identity(y, series.even(j));
}

/// Size b of the matrices whose triangles input 0 holds; refuses what is no stack of triangles.
std::int64_t stack_of_triangles(const core::Infer& x) {
  const std::int64_t b = x.integer("size");
  if (b > 1 << 15) x.refuse_attribute("size", std::to_string(b), "at most 32768");
  if (x.in(0).rank() != 2 || x.in(0)[1] != triangle(b))
    x.refuse(0, "[blocks, " + std::to_string(triangle(b)) + "]",
             "the strict upper triangle of size " + std::to_string(b) + " has so many entries");
  return b;
}

/// So many products of whole matrices, of which some transpose their left factor.
std::vector<core::MatrixProduct> products(std::int64_t blocks, std::int64_t b, double all,
                                          std::int64_t transposed) {
  std::vector<core::MatrixProduct> out(static_cast<std::size_t>(all), {blocks, b, b, b});
  for (std::int64_t i = 0; i < transposed; ++i) out[static_cast<std::size_t>(i)].transpose_a = true;
  return out;
}

core::Lowered lower_powers(const core::Lower& x) {
  const std::int64_t b = x.integer("size"), blocks = x.in(0)[0];
  const Series series{x.integer("terms")};
  const auto phase = [=](SquareStack& stack, const core::Binding& t) {
    const Powers<float> p(stack, series, t.input(0), t.output(1), blocks);
    stack.multiply(p.q(), p.q(), p.s());
    for (std::int64_t j = series.last() - 1; j > 0; --j) step_down(stack, series, p, j, p.kept(j));
    step_down(stack, series, p, 0, t.output(0) + stack.first() * b * b);
  };
  return on_stack("cayley_powers", x.engine(), blocks, b, Powers<float>::kBuffers, {phase});
}

core::Lowered lower_map_grad(const core::Lower& x) {
  const std::int64_t b = x.integer("size"), blocks = x.in(0)[0];
  const Series series{x.integer("terms")};
  constexpr std::size_t own = Powers<const float>::kBuffers;
  const auto phase = [=](SquareStack& s, const core::Binding& t) {
    const Powers<const float> powers(s, series, t.input(0), t.input(1), blocks);
    const std::int64_t n = s.elements(), last = series.last();
    float *dq = s.buffer(own), *ds = s.buffer(own + 1), *other = s.buffer(own + 2), *sum = s.buffer(own + 3);
    const float* dh = t.input(2) + s.first() * b * b;
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
    for (std::int64_t m = 0; m < s.count(); ++m)
      fold(dq + m * b * b, t.output() + (s.first() + m) * triangle(b), b);
  };
  return on_stack("cayley_neumann_grad", x.engine(), blocks, b, own + 4, {phase});
}

core::Field terms_field() { return integer_field("terms", "k of the truncated series", 3, 1); }

core::Field size_field() { return integer_field("size", "rows and columns of a matrix", {}, 2); }

std::vector<core::Sample> samples() {
  return {{{{{3, 6}}}, {{"size", 4}, {"terms", 3}}},
          {{{{1, 1}}}, {{"size", 2}, {"terms", 1}}},
          {{{{5, 10}}}, {{"size", 5}, {"terms", 2}}},
          {{{{2, 3}}}, {{"size", 3}, {"terms", 4}}},
          {{{{2, 3}}}, {{"size", 3}, {"terms", 7}}}};
}

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
      .expand = [](core::Builder& b, const core::Node& node) -> std::vector<core::ValueId> {
        return {b.op("cayley_powers", node.inputs, node.attributes)};
      },
      .grad =
          [](core::Grad& x) {
            const core::Json attributes = x.node().attributes;
            const core::ValueId in = x.in(0), dy = x.dy();
            const core::ValueId powers = x.build().all("cayley_powers", {in}, attributes)[1];
            x.set(0, x.build().op("cayley_neumann_grad", {in, powers, dy}, attributes));
          },
      .ref = cayley_reference::map,
      .flops =
          [](const core::Infer& x) {
            return Series{x.integer("terms")}.products() * stack_flops(x.in(0)[0], x.integer("size"));
          },
      .samples = samples(),
  };
}

std::vector<core::TensorType> infer_powers(const core::Infer& x) {
  const std::int64_t b = stack_of_triangles(x), blocks = x.in(0)[0];
  return {f32(Shape{blocks, b, b}), f32(Shape{Series{x.integer("terms")}.last(), blocks, b, b})};
}

core::OpCard powers_card() {
  return {
      .name = "cayley_powers",
      .doc = "cayley_neumann with the matrices its gradient needs",
      .inputs = {{"x"}},
      .attributes = {size_field(), terms_field()},
      .infer = infer_powers,
      .lower = lower_powers,
      .ref = cayley_reference::powers,
      .flops =
          [](const core::Infer& x) {
            return Series{x.integer("terms")}.products() * stack_flops(x.in(0)[0], x.integer("size"));
          },
      .products =
          [](const core::Infer& x, std::span<const core::TensorType> /*out*/) {
            return products(x.in(0)[0], x.integer("size"), Series{x.integer("terms")}.products(), 0);
          },
      .samples = samples(),
  };
}

core::OpCard map_grad_card() {
  return {
      .name = "cayley_neumann_grad",
      .doc = "gradient of the triangles of cayley_neumann",
      .inputs = {{"x"}, {"powers"}, {"d"}},
      .attributes = {size_field(), terms_field()},
      .infer = [](const core::Infer& x) -> std::vector<core::TensorType> {
        const std::vector<core::TensorType> of = infer_powers(x);
        if (x.in(1) != of[1].shape) x.refuse(1, of[1].shape.text());
        if (x.in(2) != of[0].shape) x.refuse(2, of[0].shape.text());
        return {f32(x.in(0))};
      },
      .lower = lower_map_grad,
      .ref = cayley_reference::gradient,
      .flops =
          [](const core::Infer& x) {
            return Series{x.integer("terms")}.backward_products() *
                   stack_flops(x.in(0)[0], x.integer("size"));
          },
      .products =
          [](const core::Infer& x, std::span<const core::TensorType> /*out*/) {
            const Series series{x.integer("terms")};
            return products(x.in(0)[0], x.integer("size"), series.backward_products(),
                            series.last() - (series.ends_even() ? 1 : 0));
          },
      .samples = {{{{{3, 6}}, {{2, 3, 4, 4}}, {{3, 4, 4}}}, {{"size", 4}, {"terms", 3}}},
                  {{{{1, 1}}, {{1, 1, 2, 2}}, {{1, 2, 2}}}, {{"size", 2}, {"terms", 1}}},
                  {{{{5, 10}}, {{1, 5, 5, 5}}, {{5, 5, 5}}}, {{"size", 5}, {"terms", 2}}},
                  {{{{2, 3}}, {{2, 2, 3, 3}}, {{2, 3, 3}}}, {{"size", 3}, {"terms", 4}}},
                  {{{{2, 3}}, {{4, 2, 3, 3}}, {{2, 3, 3}}}, {{"size", 3}, {"terms", 7}}}},
  };
}

}  // namespace

core::OpFamily cayley() { return {map_card(), powers_card(), map_grad_card()}; }

}  // namespace isorbit::ops
