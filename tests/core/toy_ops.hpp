// A handful of ops for testing the core without the ops room. All work elementwise on f32 unless said.
#pragma once
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/graph/builder.hpp"
#include "core/graph/op.hpp"

namespace isorbit::core::toy {

inline Lowered no_kernel(const Lower&) { throw std::logic_error("toy ops run in the reference only"); }

inline std::vector<TensorType> like_first(const Infer& x) { return {x.type(0)}; }

inline std::vector<TensorType> same_shapes(const Infer& x) {
  if (x.in(1) != x.in(0)) x.refuse(1, x.in(0).text(), "both are added up point by point");
  return {x.type(0)};
}

inline OpCard card_of(const char* name, const char* doc, std::vector<InputSlot> inputs) {
  OpCard card;
  card.name = name;
  card.doc = doc;
  card.inputs = std::move(inputs);
  card.lower = no_kernel;
  return card;
}

/// y = a + b
inline OpCard plus() {
  OpCard card = card_of("plus", "a + b", {{"a"}, {"b"}});
  card.infer = same_shapes;
  card.grad = [](Grad& g) { g.set(0, g.dy()), g.set(1, g.dy()); };
  card.ref = [](const Ref& r) {
    for (std::size_t i = 0; i < r.out().size(); ++i) r.out()[i] = r.in(0)[i] + r.in(1)[i];
  };
  card.duty = Duty::accumulate;
  return card;
}

/// y = a b
inline OpCard times() {
  OpCard card = card_of("times", "a b", {{"a"}, {"b"}});
  card.infer = same_shapes;
  card.grad = [](Grad& g) {
    g.set(0, g.build().op("times", {g.dy(), g.in(1)}));
    g.set(1, g.build().op("times", {g.dy(), g.in(0)}));
  };
  card.ref = [](const Ref& r) {
    for (std::size_t i = 0; i < r.out().size(); ++i) r.out()[i] = r.in(0)[i] * r.in(1)[i];
  };
  card.flops = [](const Infer& x) { return static_cast<double>(x.in(0).elements()); };
  return card;
}

inline OpCard fill() {
  OpCard card = card_of("fill", "a constant", {});
  card.attributes = {{"shape", Spec::list(Spec::integer()), "extents"}, {"value", Spec::number(), "value"}};
  card.infer = [](const Infer& x) {
    return std::vector<TensorType>{{Shape(x.integers("shape")), DType::f32}};
  };
  card.ref = [](const Ref& r) { std::ranges::fill(r.out(), r.number("value")); };
  card.duty = Duty::fill;
  return card;
}

/// Sum of all elements; its gradient spreads a scalar.
inline OpCard total() {
  OpCard card = card_of("total", "sum", {{"x"}});
  card.infer = [](const Infer&) { return std::vector<TensorType>{{Shape{}, DType::f32}}; };
  card.grad = [](Grad& g) { g.set(0, g.build().op("spread", {g.dy()}, {{"shape", g.shape(0).dims()}})); };
  card.ref = [](const Ref& r) { r.out()[0] = std::accumulate(r.in(0).begin(), r.in(0).end(), 0.0); };
  card.flops = [](const Infer& x) { return static_cast<double>(x.in(0).elements()); };
  return card;
}

inline OpCard spread() {
  OpCard card = card_of("spread", "a scalar everywhere", {{"x"}});
  card.attributes = {{"shape", Spec::list(Spec::integer()), "extents"}};
  card.infer = [](const Infer& x) {
    return std::vector<TensorType>{{Shape(x.integers("shape")), DType::f32}};
  };
  card.grad = [](Grad& g) { g.set(0, g.build().op("total", {g.dy()})); };
  card.ref = [](const Ref& r) { std::ranges::fill(r.out(), r.in(0)[0]); };
  return card;
}

/// Two outputs: x and 2 x.
inline OpCard both() {
  OpCard card = card_of("both", "x and 2 x", {{"x"}});
  card.infer = [](const Infer& x) { return std::vector<TensorType>{x.type(0), x.type(0)}; };
  card.grad = [](Grad& g) {
    ValueId sum = g.dy(0);
    for (int twice = 0; twice < 2; ++twice)
      if (g.dy(1) != kNone) sum = sum == kNone ? g.dy(1) : g.build().op("plus", {sum, g.dy(1)});
    g.set(0, sum);
  };
  card.ref = [](const Ref& r) {
    for (std::size_t i = 0; i < r.out().size(); ++i) r.out(0)[i] = r.in(0)[i], r.out(1)[i] = 2 * r.in(0)[i];
  };
  return card;
}

/// Not differentiable.
inline OpCard sign() {
  OpCard card = card_of("sign", "-1, 0 or 1", {{"x"}});
  card.infer = like_first;
  card.ref = [](const Ref& r) {
    for (std::size_t i = 0; i < r.out().size(); ++i) r.out()[i] = (r.in(0)[i] > 0) - (r.in(0)[i] < 0);
  };
  return card;
}

/// x^2, and x^4 written with it: expansions of one and two levels.
inline OpCard square() {
  OpCard card = card_of("square", "x^2", {{"x"}});
  card.infer = like_first;
  card.lower = {};
  card.expand = [](Builder& b, const Node& n) -> std::vector<ValueId> {
    return {b.op("times", {n.inputs[0], n.inputs[0]})};
  };
  return card;
}
inline OpCard fourth() {
  OpCard card = card_of("fourth", "x^4", {{"x"}});
  card.infer = like_first;
  card.lower = {};
  card.expand = [](Builder& b, const Node& n) -> std::vector<ValueId> {
    return {b.op("square", {b.op("square", {n.inputs[0]})})};
  };
  return card;
}

/// x [..., n] with each point times a weight of the same shape, and a bias if asked; `units` must be n.
inline OpCard gain() {
  OpCard card = card_of("gain", "w x + b", {{"x"}, {"weight"}, {"bias", DType::f32, true}});
  card.attributes = {{"units", Spec::integer().at_least(1), "features of the input"},
                     {"bias", Spec::boolean(), "add a bias", Json(false)}};
  card.parameters = [](const Infer& x) {
    std::vector<ParameterSlot> slots{{"weight", {x.in(0), DType::f32}, {{"kind", "normal"}, {"std", 0.5}}}};
    if (x.flag("bias")) slots.push_back({"bias", {x.in(0), DType::f32}, {{"kind", "zeros"}}});
    return slots;
  };
  card.infer = [](const Infer& x) -> std::vector<TensorType> {
    if (x.in(0).rank() == 0) x.refuse(0, "at least one axis");
    if (x.in(0).back() != x.integer("units"))
      x.refuse_attribute("units", std::to_string(x.integer("units")), std::to_string(x.in(0).back()),
                         "the input is " + x.in(0).text());
    return {x.type(0)};
  };
  card.lower = {};
  card.expand = [](Builder& b, const Node& n) -> std::vector<ValueId> {
    const ValueId y = b.op("times", {n.inputs[0], n.inputs[1]});
    return {n.inputs.size() > 2 ? b.op("plus", {y, n.inputs[2]}) : y};
  };
  return card;
}

/// tokens [...] -> [..., units].
inline OpCard lookup() {
  OpCard card = card_of("lookup", "rows of a table", {{"tokens", DType::s32}, {"weight"}});
  card.attributes = {{"rows", Spec::integer().at_least(1), "rows"},
                     {"units", Spec::integer().at_least(1), "columns"}};
  card.parameters = [](const Infer& x) {
    return std::vector<ParameterSlot>{
        {"weight", {{x.integer("rows"), x.integer("units")}, DType::f32}, {{"kind", "ones"}}}};
  };
  card.infer = [](const Infer& x) {
    std::vector<std::int64_t> dims = x.in(0).dims();
    dims.push_back(x.integer("units"));
    return std::vector<TensorType>{{Shape(dims), DType::f32}};
  };
  card.ref = [](const Ref& r) {
    const auto units = static_cast<std::size_t>(r.integer("units"));
    for (std::size_t i = 0; i < r.out().size(); ++i)
      r.out()[i] = r.in(1)[static_cast<std::size_t>(r.index(0)[i / units]) * units + i % units];
  };
  return card;
}

inline OpSet ops() {
  return OpSet(
      {{plus(), times(), fill(), total(), spread(), both(), sign(), square(), fourth(), gain(), lookup()}});
}

}  // namespace isorbit::core::toy
