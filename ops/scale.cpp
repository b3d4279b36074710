// y = factor * x.
#include "ops/common.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

Lowered lower(const Lower& x) {
  const std::int64_t n = x.in(0).elements();
  const auto factor = static_cast<float>(x.number("factor"));
  return Lowered::own("scale", [=](const Binding& binding) {
    const float* in = binding.input(0);
    float* y = binding.output();
    binding.engine->parallel(n, kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma GCC ivdep
      for (std::int64_t i = begin; i < end; ++i) y[i] = factor * in[i];
    });
  });
}

}  // namespace

OpFamily scale() {
  OpCard card;
  card.name = "scale";
  card.doc = "y = factor * x";
  card.inputs = {{"x"}};
  card.attributes = {number_field("factor", "what every element is multiplied by")};
  card.infer = like_first;
  card.grad = [](Grad& g) { g.set(0, g.build().op("scale", {g.dy()}, {{"factor", g.number("factor")}})); };
  card.lower = lower;
  card.ref = [](const Ref& x) {
    for (std::size_t i = 0; i < x.in(0).size(); ++i) x.out()[i] = x.number("factor") * x.in(0)[i];
  };
  card.in_place = {{0, 0}};
  card.samples = {
      {{{{3, 5}}}, {{"factor", 0.125}}}, {{{{17}}}, {{"factor", -3.0}}}, {{{{}}}, {{"factor", 0.1}}}};
  return {card};
}

}  // namespace isorbit::ops
