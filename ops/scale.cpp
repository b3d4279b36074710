// y = factor * x.
#include "ops/common.hpp"
#include "ops/storage.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

Lowered lower(const Lower& x) {
  const auto factor = static_cast<float>(x.number("factor"));
  return Lowered::own("scale", [factor, of_x = x.type(0), of_y = x.out_type()](const Binding& binding) {
    const Source in(binding.in[0], of_x);
    const Sink y(binding.out[0], of_y);
    binding.engine->parallel(of_x.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
      each8(end - begin,
            [=](std::int64_t i, auto count) { y.put(begin + i, in.at(begin + i, count) * factor, count); });
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
  card.scaling = follows_first;
  card.in_place = {{0, 0}};
  card.narrow = {.inputs = {0}, .outputs = {0}};
  card.samples = {
      {{{{3, 5}}}, {{"factor", 0.125}}}, {{{{17}}}, {{"factor", -3.0}}}, {{{{}}}, {{"factor", 0.1}}}};
  return {card};
}

}  // namespace isorbit::ops
