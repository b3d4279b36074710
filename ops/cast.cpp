// The same numbers in another storage type: f32 to bf16 rounds to nearest, ties to even; bf16 to f32 is
// exact. The reference leaves numbers as they are, in double.
#include "ops/kernels/cast.hpp"

#include "ops/common.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

Lowered lower(const Lower& x) {
  return Lowered::own("cast", [of_from = x.type(0), of_to = x.out_type()](const Binding& binding) {
    const Input from(binding.in[0], of_from);
    const Output to(binding.out[0], of_to);
    binding.engine->parallel(of_from.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
      kernels::cast(from, to, begin, end);
    });
  });
}

}  // namespace

OpFamily cast() {
  OpCard card;
  card.name = "cast";
  card.doc = "the same numbers in another storage type";
  card.inputs = {{"x"}};
  card.attributes = {
      {"to", Spec::text().one_of({"f32", "bf16"}), "storage of the result", Json("f32"), false}};
  card.infer = like_first;
  card.grad = [](Grad& g) { g.set(0, g.dy()); };
  card.lower = lower;
  card.ref = [](const Ref& x) { std::copy(x.in(0).begin(), x.in(0).end(), x.out().begin()); };
  card.flops = [](const Infer&) { return 0.0; };
  card.narrow = {.inputs = {0}, .outputs = {0}};
  card.duty = Duty::cast;
  card.samples = {{{{{3, 5}}}}, {{{{2, 3, 37}}}}};
  return {card};
}

}  // namespace isorbit::ops
