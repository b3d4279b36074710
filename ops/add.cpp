// Elementwise y = a + b, y = a * b and y = a - b. The second operand has the shape of the first, or a suffix
// of it (a bias [N] on [..., N], positions [S, W] on [B, S, W]), or one element.
//
// Gradients: d(a + b) = dy, dy; d(a b) = dy b, dy a; d(a - b) = dy, -dy; what belongs to a repeated operand
// is summed over the repetitions.
#include "ops/common.hpp"
#include "ops/storage.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

bool is_suffix(const Shape& b, const Shape& a) {
  if (b.rank() > a.rank()) return false;
  for (std::size_t i = 0; i < b.rank(); ++i) {
    if (b.back(i) != a.back(i)) return false;
  }
  return true;
}

std::vector<TensorType> infer(const Infer& x) {
  if (!is_suffix(x.in(1), x.in(0)) && x.in(1).elements() != 1) {
    x.refuse(1, x.in(0).text() + ", its last dimensions, or one element",
             "the second operand is repeated over the leading dimensions of the first");
  }
  return like_first(x);
}

/// dy summed over the repetitions of an operand of shape `target`.
ValueId sum_repeated(Builder& b, ValueId dy, const Shape& target) {
  const Shape from = b.shape(dy);
  const bool suffix = is_suffix(target, from);
  std::vector<std::int64_t> axes(suffix ? from.rank() - target.rank() : from.rank());
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
  return reshape_to(b, axes.empty() ? dy : b.op("sum", {dy}, {{"axes", axes}}), target);
}

/// y[begin, end) for a second operand that repeats every `period` elements. y may be a: nothing is carried
/// along.
template <class F>
void apply(const Source& a, const Source& b, const Sink& y, std::int64_t begin, std::int64_t end,
           std::int64_t period, F f) {
  if (period == 1) {
    const Float8 value = splat(b.at(0, std::int64_t{1})[0]);
    each8(end - begin, [&, value](std::int64_t i, auto count) {
      y.put(begin + i, f(a.at(begin + i, count), value), count);
    });
    return;
  }
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t offset = i % period;
    each8(std::min(period - offset, end - i), [&](std::int64_t j, auto count) {
      y.put(i + j, f(a.at(i + j, count), b.at(offset + j, count)), count);
    });
    i += std::min(period - offset, end - i);
  }
}

template <class F>
OpCard card(std::string name, std::string doc, F f, std::function<void(Grad&)> grad) {
  OpCard card;
  card.name = name;
  card.doc = std::move(doc);
  card.inputs = {{"a"}, {"b"}};
  card.infer = infer;
  card.grad = std::move(grad);
  card.lower = [name, f](const Lower& x) {
    return Lowered::own(
        name, [=, of_a = x.type(0), of_b = x.type(1), of_y = x.out_type()](const Binding& binding) {
          const Source a(binding.in[0], of_a), b(binding.in[1], of_b);
          const Sink y(binding.out[0], of_y);
          binding.engine->parallel(of_a.shape.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
            apply(a, b, y, begin, end, of_b.shape.elements(), f);
          });
        });
  };
  card.ref = [f](const Ref& x) {
    const auto a = x.in(0), b = x.in(1);
    for (std::size_t i = 0; i < a.size(); ++i) x.out()[i] = f(a[i], b[i % b.size()]);
  };
  card.scaling = [](Scaling& s) {
    s.equal(s.out(), s.in(0));
    s.equal(s.out(), s.in(1));
  };
  card.in_place = {{0, 0}};
  card.narrow = {.inputs = {0, 1}};  // sums stay in f32: the residual stream is one
  card.samples = {{{{{3, 5}}, {{3, 5}}}},
                  {{{{2, 3, 7}}, {{3, 7}}}},
                  {{{{4, 9}}, {{9}}}},
                  {{{{2, 3}}, {{1}}}},
                  {{{{5}}, {{}}}}};
  return card;
}

void grad_add(Grad& g) {
  g.set(0, g.dy());
  g.set(1, sum_repeated(g.build(), g.dy(), g.shape(1)));
}

void grad_mul(Grad& g) {
  const Shape b = g.shape(1);
  g.set(0, g.build().op("mul", {g.dy(), g.in(1)}));
  g.set(1, sum_repeated(g.build(), g.build().op("mul", {g.dy(), g.in(0)}), b));
}

void grad_subtract(Grad& g) {
  const Shape b = g.shape(1);
  g.set(0, g.dy());
  g.set(1, g.build().op("scale", {sum_repeated(g.build(), g.dy(), b)}, {{"factor", -1.0}}));
}

}  // namespace

OpFamily add() {
  OpCard product = card(
      "mul", "y = a * b; b may be a suffix of a's shape or one element", [](auto a, auto b) { return a * b; },
      grad_mul);
  product.narrow.outputs = {0};
  OpCard sum = card(
      "add", "y = a + b; b may be a suffix of a's shape or one element", [](auto a, auto b) { return a + b; },
      grad_add);
  product.scaling = [](Scaling& s) { s.product(s.out(), s.in(0), s.in(1)); };
  sum.duty = Duty::accumulate;
  return {sum, product,
          card(
              "subtract", "y = a - b; b may be a suffix of a's shape or one element",
              [](auto a, auto b) { return a - b; }, grad_subtract)};
}

}  // namespace isorbit::ops
