// o = softmax(scale q k^T) v per head: q [B, S, H D], k [B, T, K D], v [B, T, K E], o [B, S, H E], with H
// query heads on K key heads; query heads h K-groupwise share key head h / (H / K). Causal: position r sees
// positions 0..r (T = S).
//
// Written with matmul and softmax. The G = H / K query heads of a key head are stacked into rows, [B, K, G S,
// D], so that grouped-query attention is the same two matrix products, and the gradients of k and v come
// summed over the group.
#include <cmath>

#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

struct Heads {
  std::int64_t query = 1, key = 1;
};

Heads heads(const core::Attributes& x) {
  const std::int64_t query = x.integer("heads"), key = x.integer("kv_heads");
  return {query, key == 0 ? query : key};
}

void divisible(const core::Infer& x, std::size_t i, std::int64_t by, const char* name) {
  if (x.in(i).back() % by == 0) return;
  throw core::OpError("in/" + std::to_string(i), std::to_string(x.in(i).back()),
                      "a multiple of " + std::string(name) + " = " + std::to_string(by),
                      "the last axis of " + x.in(i).text() + " is split over the heads");
}

std::vector<core::TensorType> infer(const core::Infer& x) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (x.in(i).rank() != 3) x.refuse(i, "[batch, positions, features]");
  }
  const Shape &q = x.in(0), &k = x.in(1), &v = x.in(2);
  const Heads h = heads(x);
  if (h.query % h.key != 0) {
    x.refuse_attribute("kv_heads", std::to_string(h.key), "a divisor of heads = " + std::to_string(h.query),
                       "every key head serves equally many query heads");
  }
  divisible(x, 0, h.query, "heads");
  divisible(x, 1, h.key, "kv_heads");
  divisible(x, 2, h.key, "kv_heads");
  const std::int64_t d = q.back() / h.query;
  if (k.back() / h.key != d) {
    x.refuse(1, std::to_string(d * h.key) + " features",
             "query heads have " + std::to_string(d) + " features each and there are " +
                 std::to_string(h.key) + " key heads");
  }
  if (k[0] != q[0]) x.refuse(1, std::to_string(q[0]) + " sequences", "q is " + q.text());
  if (v[0] != k[0] || v[1] != k[1]) x.refuse(2, "the sequences and positions of k " + k.text());
  if (x.flag("causal") && k[1] != q[1]) {
    x.refuse(1, std::to_string(q[1]) + " positions", "causal attention compares a sequence with itself");
  }
  return {f32(Shape{q[0], q[1], h.query * (v.back() / h.key)})};
}

/// [B, S, heads D] to [B, heads, S, D].
core::ValueId split(core::Builder& build, core::ValueId x, std::int64_t heads) {
  const Shape s = build.shape(x);
  x = reshape_to(build, x, Shape{s[0], s[1], heads, s[2] / heads});
  return build.op("transpose", {x}, {{"axes", {0, 2, 1, 3}}});
}

std::vector<core::ValueId> expand(core::Builder& build, const core::Node& node) {
  const core::Attributes x(node.attributes);
  const Heads h = heads(x);
  const core::ValueId k = split(build, node.inputs[1], h.key), v = split(build, node.inputs[2], h.key);
  core::ValueId q = split(build, node.inputs[0], h.query);
  const Shape qs = build.shape(q);
  const std::int64_t batch = qs[0], s = qs[2], d = qs[3], t = build.shape(k)[2], e = build.shape(v)[3];
  const std::int64_t group = h.query / h.key;
  const double scale = x.number("scale") == 0 ? 1 / std::sqrt(static_cast<double>(d)) : x.number("scale");
  q = reshape_to(build, q, Shape{batch, h.key, group * s, d});
  core::ValueId p = build.op("matmul", {q, k}, {{"transpose_b", true}, {"alpha", scale}});
  p = reshape_to(build, p, Shape{batch, h.query, s, t});
  p = build.op("softmax", {p}, {{"causal", x.flag("causal")}});
  p = reshape_to(build, p, Shape{batch, h.key, group * s, t});
  core::ValueId o = build.op("matmul", {p, v});
  o = reshape_to(build, o, Shape{batch, h.query, s, e});
  o = build.op("transpose", {o}, {{"axes", {0, 2, 1, 3}}});
  return {reshape_to(build, o, Shape{batch, s, h.query * e})};
}

}  // namespace

core::OpFamily attention() {
  core::OpCard card{
      .name = "attention",
      .doc = "scaled dot-product attention over heads, grouped-query when kv_heads < heads",
      .inputs = {{"q"}, {"k"}, {"v"}},
      .attributes = {integer_field("heads", "query heads", {}, 1),
                     integer_field("kv_heads", "key and value heads; 0: as many as query heads", 0, 0),
                     flag_field("causal", "a position sees itself and earlier ones only", true),
                     number_field("scale",
                                  "factor of the scores; 0: one over the square root of a head's features",
                                  0.0)},
      .infer = infer,
      .expand = expand,
      .samples = {{{{{2, 5, 6}}, {{2, 5, 6}}, {{2, 5, 6}}}, {{"heads", 2}}},
                  {{{{2, 5, 8}}, {{2, 5, 4}}, {{2, 5, 4}}}, {{"heads", 4}, {"kv_heads", 2}}},
                  {{{{1, 4, 6}}, {{1, 3, 3}}, {{1, 3, 2}}},
                   {{"heads", 2}, {"kv_heads", 1}, {"causal", false}, {"scale", 0.5}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
