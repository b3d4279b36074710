// SwiGLU (Shazeer, arXiv 2002.05202) without its products: y = silu(gate) up, elementwise, where silu(x) =
// x s(x) and s(x) = 1 / (1 + exp(-x)). Gradients from dy:
//   dgate = dy up s (1 + gate (1 - s)),   dup = dy silu(gate),   s = s(gate).
// One pass over memory each, for what are two and four nodes of elementwise ops.
#include "ops/kernels/swiglu.hpp"

#include <cmath>

#include "ops/common.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

Lowered lower(const Lower& x) {
  return Lowered::own(
      "swiglu", [of_gate = x.type(0), of_up = x.type(1), of_y = x.out_type()](const Binding& binding) {
        const Input gate(binding.in[0], of_gate), up(binding.in[1], of_up);
        const Output y(binding.out[0], of_y);
        binding.engine->parallel(of_gate.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
          kernels::swiglu(gate, up, y, begin, end);
        });
      });
}

Lowered lower_grad(const Lower& x) {
  return Lowered::own(
      "swiglu_grad", [of_gate = x.type(0), of_up = x.type(1), of_dy = x.type(2), of_dgate = x.out_type(0),
                      of_dup = x.out_type(1)](const Binding& binding) {
        const Input gate(binding.in[0], of_gate), up(binding.in[1], of_up), dy(binding.in[2], of_dy);
        const Output dgate(binding.out[0], of_dgate), dup(binding.out[1], of_dup);
        binding.engine->parallel(of_gate.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
          kernels::swiglu_grad(gate, up, dy, dgate, dup, begin, end);
        });
      });
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

void ref_grad(const Ref& x) {
  for (std::size_t i = 0; i < x.in(0).size(); ++i) {
    const double g = x.in(0)[i], s = logistic(g);
    x.out(0)[i] = x.in(2)[i] * x.in(1)[i] * s * (1 + g * (1 - s));
    x.out(1)[i] = x.in(2)[i] * g * s;
  }
}

/// The two operands of a product of equal shapes, in either order: f(one, other) until it gives something.
template <class F>
std::optional<Fusion> either_order(const Uses& uses, const Node& product, const F& f) {
  const ValueId a = product.inputs[0], b = product.inputs[1];
  if (uses.graph().shape(a) != uses.graph().shape(b)) return std::nullopt;
  std::optional<Fusion> found = f(a, b);
  return found ? found : f(b, a);
}

/// mul(silu(gate), up).
std::optional<Fusion> fuse(const Uses& uses, NodeId root) {
  const Node& product = uses.node(root);
  return either_order(uses, product, [&](ValueId act, ValueId up) -> std::optional<Fusion> {
    const Node* silu = uses.made_by(act, "silu");
    if (silu == nullptr || act == up) return std::nullopt;
    return Fusion{Json::object(), {silu->inputs[0], up}, {product.outputs[0]}, {uses.producer(act), root}};
  });
}

/// The product of `a` with silu(gate), if somebody needs it.
NodeId product_with_silu(const Uses& uses, ValueId a, ValueId gate) {
  for (const NodeId user : uses.users(a)) {
    const Node& node = uses.node(user);
    if (node.op->name != "mul") continue;
    const Node* silu = uses.made_by(node.inputs[node.inputs[0] == a ? 1 : 0], "silu");
    if (silu != nullptr && silu->inputs[0] == gate) return user;
  }
  return kNone;
}

/// silu_grad(gate, mul(dy, up)) and mul(dy, silu(gate)).
std::optional<Fusion> fuse_grad(const Uses& uses, NodeId root) {
  const Node& slope = uses.node(root);
  const Node* product = uses.made_by(slope.inputs[1], "mul");
  if (product == nullptr) return std::nullopt;
  return either_order(uses, *product, [&](ValueId dy, ValueId up) -> std::optional<Fusion> {
    const NodeId other = product_with_silu(uses, dy, slope.inputs[0]);
    if (other == kNone || uses.graph().shape(dy) != uses.graph().shape(slope.inputs[0])) return std::nullopt;
    return Fusion{Json::object(),
                  {slope.inputs[0], up, dy},
                  {slope.outputs[0], uses.node(other).outputs[0]},
                  {uses.producer(slope.inputs[1]), other, root}};
  });
}

std::vector<Sample> samples(std::size_t inputs) {
  std::vector<Sample> out;
  for (const Shape& shape : {Shape{3, 5}, Shape{2, 7, 33}, Shape{1}})
    out.push_back({std::vector<SampleInput>(inputs, {shape})});
  return out;
}

}  // namespace

OpFamily swiglu() {
  OpCard forward;
  forward.name = "swiglu";
  forward.doc = "y = silu(gate) * up";
  forward.inputs = {{"gate"}, {"up"}};
  forward.infer = [](const Infer& x) {
    same_shape(x, 1, 0);
    return like_first(x);
  };
  forward.grad = [](Grad& g) {
    const std::vector<ValueId> d = g.build().all("swiglu_grad", {g.in(0), g.in(1), g.dy()});
    g.set(0, d[0]), g.set(1, d[1]);
  };
  forward.lower = lower;
  forward.ref = [](const Ref& x) {
    for (std::size_t i = 0; i < x.in(0).size(); ++i)
      x.out()[i] = x.in(0)[i] * logistic(x.in(0)[i]) * x.in(1)[i];
  };
  forward.flops = [](const Infer& x) { return 5.0 * static_cast<double>(x.in(0).elements()); };
  forward.scaling = [](Scaling& s) {
    s.pin(s.in(0), "silu is not homogeneous");
    s.equal(s.out(), s.in(1));
  };
  forward.in_place = {{0, 0}, {1, 0}};
  forward.narrow = {.inputs = {0, 1}, .outputs = {0}};
  forward.fuse = fuse;
  forward.fuse_root = "mul";
  forward.samples = samples(2);

  OpCard backward;
  backward.name = "swiglu_grad";
  backward.doc = "gradients of swiglu by gate and by up";
  backward.inputs = {{"gate"}, {"up"}, {"dy"}};
  backward.infer = [](const Infer& x) {
    same_shape(x, 1, 0);
    same_shape(x, 2, 0);
    return std::vector<TensorType>{f32(x.in(0)), f32(x.in(0))};
  };
  backward.lower = lower_grad;
  backward.ref = ref_grad;
  backward.flops = [](const Infer& x) { return 10.0 * static_cast<double>(x.in(0).elements()); };
  backward.in_place = {{0, 0}, {1, 1}, {2, 1}};
  backward.narrow = {.inputs = {0, 1, 2}, .outputs = {0, 1}};
  backward.fuse = fuse_grad;
  backward.fuse_root = "silu_grad";
  backward.samples = samples(3);
  return {forward, backward};
}

}  // namespace isorbit::ops
