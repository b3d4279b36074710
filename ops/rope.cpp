// Rotary position embedding (Su et al., arXiv 2104.09864) in the half-split layout: in [B, S, H D] the head
// vector at position t, from 0, has its pairs (x_i, x_{i + D/2}), i < D/2, turned by the angle
// a = t base^(-2 i / D):
//   y_i = x_i cos a - x_{i + D/2} sin a,   y_{i + D/2} = x_{i + D/2} cos a + x_i sin a.
// `inverse` turns the other way; it is also the gradient. The tables are made in double at binding.
#include <cmath>
#include <memory>

#include "ops/common.hpp"
#include "ops/storage.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

std::vector<TensorType> infer(const Infer& x) {
  least_rank(x, 0, 2, "rope turns [..., positions, heads * head_dim]");
  const std::int64_t width = x.in(0).back(), heads = x.integer("heads");
  if (width % heads != 0) {
    x.refuse_attribute("heads", std::to_string(heads), "a divisor of " + std::to_string(width),
                       "the heads share the last dimension of " + x.in(0).text());
  }
  if (width / heads % 2 != 0) {
    x.refuse(0, "an even number of columns per head",
             "each of the " + std::to_string(heads) + " heads has " + std::to_string(width / heads) +
                 " columns, and rope turns pairs of them");
  }
  return like_first(x);
}

double angle(const Attributes& attributes, std::int64_t position, std::int64_t pair, std::int64_t head_dim) {
  const double exponent = -2.0 * static_cast<double>(pair) / static_cast<double>(head_dim);
  const double turn = static_cast<double>(position) * std::pow(attributes.number("base"), exponent);
  return attributes.flag("inverse") ? -turn : turn;
}

/// Cosines and sines, [positions, D/2] each.
struct Tables {
  std::vector<float> cosine, sine;
};

Tables tables_for(const Attributes& attributes, std::int64_t positions, std::int64_t head_dim) {
  Tables tables;
  for (std::int64_t t = 0; t < positions; ++t) {
    for (std::int64_t i = 0; i < head_dim / 2; ++i) {
      const double turn = angle(attributes, t, i, head_dim);
      tables.cosine.push_back(static_cast<float>(std::cos(turn)));
      tables.sine.push_back(static_cast<float>(std::sin(turn)));
    }
  }
  return tables;
}

/// One head at one position. y may be x where they are stored alike.
template <class X, class Y>
void turn(const X* x, const float* cosine, const float* sine, std::int64_t half, Y* y) {
  each8(half, [=](std::int64_t i, auto count) {
    const Float8 a = load(x + i, count), b = load(x + half + i, count);
    const Float8 c = load(cosine + i, count), s = load(sine + i, count);
    store(y + i, a * c - b * s, count);
    store(y + half + i, b * c + a * s, count);
  });
}

template <class X, class Y>
Lowered lower_with(const Lower& x) {
  const std::int64_t heads = x.integer("heads"), width = x.in(0).back(), positions = x.in(0).back(1);
  const std::int64_t rows = x.in(0).rows(), head_dim = width / heads;
  Lowered lowered;
  lowered.implementation = "own:rope";
  const Json attributes = {{"base", x.number("base")}, {"inverse", x.flag("inverse")}};
  lowered.bind = [=](const Binding& binding) -> Kernel {
    auto tables = std::make_shared<const Tables>(tables_for(Attributes(attributes), positions, head_dim));
    return [=] {
      const X* in = binding.input<X>(0);
      Y* y = binding.output<Y>();
      binding.engine->parallel(rows, row_grain(width), [=, &tables](std::int64_t begin, std::int64_t end) {
        const std::int64_t half = head_dim / 2;
        for (std::int64_t r = begin; r < end; ++r) {
          const std::int64_t t = r % positions;
          const float *cosine = &tables->cosine[static_cast<std::size_t>(t * half)],
                      *sine = &tables->sine[static_cast<std::size_t>(t * half)];
          for (std::int64_t h = 0; h < heads; ++h) {
            turn(in + r * width + h * head_dim, cosine, sine, half, y + r * width + h * head_dim);
          }
        }
      });
    };
  };
  return lowered;
}

Lowered lower(const Lower& x) {
  return with_storage(x.type(0), x.out_type(),
                      [&](auto in, auto out) { return lower_with<decltype(in), decltype(out)>(x); });
}

void ref(const Ref& x) {
  const std::int64_t width = x.in_shape(0).back(), positions = x.in_shape(0).back(1);
  const std::int64_t head_dim = width / x.integer("heads"), half = head_dim / 2;
  for (std::int64_t row = 0; row < x.in_shape(0).rows(); ++row) {
    for (std::int64_t column = 0; column < width; ++column) {
      const std::int64_t i = column % head_dim;
      if (i >= half) continue;
      const double turn = angle(x, row % positions, i, head_dim);
      const auto low = static_cast<std::size_t>(row * width + column),
                 high = low + static_cast<std::size_t>(half);
      x.out()[low] = x.in(0)[low] * std::cos(turn) - x.in(0)[high] * std::sin(turn);
      x.out()[high] = x.in(0)[high] * std::cos(turn) + x.in(0)[low] * std::sin(turn);
    }
  }
}

void grad(Grad& g) {
  Json attributes = g.node().attributes;
  attributes["inverse"] = !g.flag("inverse");
  g.set(0, g.build().op("rope", {g.dy()}, attributes));
}

void scaling(Scaling& s) {
  const std::int64_t head_dim = s.out().count / s.integer("heads"), half = head_dim / 2;
  s.equal(s.out(), s.in(0));
  for (std::int64_t c = 0; c < s.out().count; ++c)
    if (c % head_dim < half) s.equal(s.out().part(c + half, 1), s.out().part(c, 1));
  s.finer(s.out(), "channel of a rotary pair", "rope turns the two channels of a pair into each other");
}

}  // namespace

OpFamily rope() {
  OpCard card;
  card.name = "rope";
  card.doc = "turns the pairs (i, i + head_dim/2) of every head by angles growing with the position";
  card.inputs = {{"x"}};
  card.attributes = {integer_field("heads", "heads that share the last dimension", {}, 1),
                     {"base", Spec::number().above(0), "angle of pair i per position is base^(-2i/head_dim)",
                      Json(10000.0), false},
                     flag_field("inverse", "turn the other way", false)};
  card.infer = infer;
  card.grad = grad;
  card.lower = lower;
  card.ref = ref;
  card.flops = [](const Infer& x) { return 3.0 * static_cast<double>(x.in(0).elements()); };
  card.scaling = scaling;
  card.in_place = {{0, 0}};
  card.narrow = {.inputs = {0}, .outputs = {0}};
  card.samples = {{{{{2, 5, 12}}}, {{"heads", 2}}},
                  {{{{1, 3, 6}}}, {{"heads", 3}, {"base", 100.0}}},
                  {{{{2, 7, 32}}}, {{"heads", 1}, {"inverse", true}}}};
  return {card};
}

}  // namespace isorbit::ops
