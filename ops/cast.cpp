// The same numbers in another storage type: f32 to bf16 rounds to nearest, ties to even; bf16 to f32 is
// exact. The reference leaves numbers as they are, in double.
#include "ops/common.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

template <class From, class To>
Lowered lower_cast(const Lower& x) {
  return Lowered::own("cast", [n = x.in(0).elements()](const Binding& binding) {
    const From* from = binding.input<From>(0);
    To* to = binding.output<To>();
    binding.engine->parallel(n, kGrain, [=](std::int64_t begin, std::int64_t end) {
      each8(end - begin,
            [=](std::int64_t i, auto count) { store(to + begin + i, load(from + begin + i, count), count); });
    });
  });
}

Lowered lower(const Lower& x) {
  const bool narrow = x.out_type().dtype == DType::bf16;
  if (x.type(0).dtype == DType::bf16) return narrow ? lower_cast<Bf16, Bf16>(x) : lower_cast<Bf16, float>(x);
  return narrow ? lower_cast<float, Bf16>(x) : lower_cast<float, float>(x);
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
