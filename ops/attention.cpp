// o = softmax(scale q k^T) v per head: q [B, S, H D], k [B, T, K D], v [B, T, K E], o [B, S, H E], with H
// query heads on K key heads; query heads h K-groupwise share key head h / (H / K). Causal: position r sees
// positions 0..r (T = S). The second output is lse [B, H, S], the log of the sum of the exponentials.
//
// The probabilities are never kept: the gradient computes them again from lse (FlashAttention, Dao et al.,
// arXiv 2205.14135). Heads are read and written where they stand, and nothing above the diagonal's blocks is
// computed.
#include "ops/attention/geometry.hpp"
#include "ops/attention/kernels.hpp"
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

/// Checks q, k, v and gives the types of o and lse.
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
  return {f32(Shape{q[0], q[1], h.query * (v.back() / h.key)}), f32(Shape{q[0], h.query, q[1]})};
}

std::vector<core::TensorType> infer_grad(const core::Infer& x) {
  const std::vector<core::TensorType> forward = infer(x);
  const Shape &o = forward[0].shape, &lse = forward[1].shape;
  if (x.in(3) != o) x.refuse(3, o.text(), "it is the result of attention");
  if (x.in(4) != lse) x.refuse(4, lse.text(), "there is one log-sum-exp per query of a head");
  if (x.in(5) != o) x.refuse(5, o.text(), "it is the gradient of attention's result");
  if (x.has(6) && x.in(6) != lse) x.refuse(6, lse.text(), "there is one log-sum-exp per query of a head");
  return {f32(x.in(0)), f32(x.in(1)), f32(x.in(2))};
}

void grad(core::Grad& x) {
  core::Builder& build = x.build();
  core::ValueId dout = x.dy(0);
  if (dout == core::kNone) {
    const Shape o = build.shape(x.out(0));
    dout = build.op("fill", {}, {{"shape", o.dims()}, {"value", 0.0}});
  }
  const core::Json attributes = x.node().attributes;
  const std::vector<core::ValueId> gradients =
      build.all("attention_grad", {x.in(0), x.in(1), x.in(2), x.out(0), x.out(1), dout, x.dy(1)}, attributes);
  for (std::size_t i = 0; i < 3; ++i) x.set(i, gradients[i]);
}

/// Scores keep their size: q and k undo each other. The result follows v.
void scaling(core::Scaling& s) {
  const Heads h = heads(s);
  const std::int64_t d = s.in(0).count / h.query, e = s.in(2).count / h.key;
  for (std::int64_t head = 0; head < h.query; ++head) {
    const std::int64_t key = head / (h.query / h.key);
    s.opposite(s.in(0).part(head * d, d), s.in(1).part(key * d, d));
    s.equal(s.out().part(head * e, e), s.in(2).part(key * e, e));
  }
  for (std::int64_t key = 0; key < h.key; ++key) {
    s.group(s.in(1).part(key * d, d), key);
    s.group(s.in(2).part(key * e, e), key);
  }
  if (h.query > h.key) {
    s.finer(s.in(1), "query head", "the query heads of a group share their key head");
    s.finer(s.in(2), "query head", "the query heads of a group share their value head");
  }
  s.pin(s.out(1), "it is the size of scores");
}

/// Of a multiply-add per pair and feature in `d_products` products over the features of q and k and
/// `e_products` over those of v, and the softmax.
double flops(const core::Infer& x, int d_products, int e_products, int softmax) {
  const flash::Geometry g = flash::geometry(x.in(0), x.in(1), x.in(2), x);
  return g.pairs() * static_cast<double>(2 * d_products * g.d + 2 * e_products * g.e + softmax);
}

/// Inputs of the gradient for those of attention.
core::Sample grad_sample(const core::Sample& sample, Shape o, Shape lse, bool with_dlse) {
  core::Sample out = sample;
  for (const Shape& shape : {o, lse, o}) out.inputs.push_back({shape});
  if (with_dlse) out.inputs.push_back({lse});
  return out;
}

}  // namespace

core::OpFamily attention() {
  const std::vector<core::Sample> samples = {
      {{{{2, 5, 6}}, {{2, 5, 6}}, {{2, 5, 6}}}, {{"heads", 2}}},
      {{{{2, 5, 8}}, {{2, 5, 4}}, {{2, 5, 4}}}, {{"heads", 4}, {"kv_heads", 2}}},
      {{{{1, 4, 6}}, {{1, 3, 3}}, {{1, 3, 2}}},
       {{"heads", 2}, {"kv_heads", 1}, {"causal", false}, {"scale", 0.5}}},
      {{{{1, 83, 16}}, {{1, 83, 8}}, {{1, 83, 10}}}, {{"heads", 2}, {"kv_heads", 1}}},
      {{{{2, 70, 6}}, {{2, 90, 6}}, {{2, 90, 6}}}, {{"heads", 2}, {"causal", false}, {"scale", -0.5}}}};
  const std::vector<core::Field> attributes = {
      integer_field("heads", "query heads", {}, 1),
      integer_field("kv_heads", "key and value heads; 0: as many as query heads", 0, 0),
      flag_field("causal", "a position sees itself and earlier ones only", true),
      number_field("scale", "factor of the scores; 0: one over the square root of a head's features", 0.0)};
  core::OpCard forward{
      .name = "attention",
      .doc = "scaled dot-product attention over heads, grouped-query when kv_heads < heads",
      .inputs = {{"q"}, {"k"}, {"v"}},
      .attributes = attributes,
      .infer = infer,
      .grad = grad,
      .lower = flash::lower_forward,
      .ref = flash::reference_forward,
      .flops = [](const core::Infer& x) { return flops(x, 1, 1, 5); },
      .products = flash::products_forward,
      .scaling = scaling,
      .narrow = {.operands = {0, 1, 2}, .outputs = {0}},
      .samples = samples,
  };
  core::OpCard backward{
      .name = "attention_grad",
      .doc = "gradients of attention by q, k and v, given its result and the log-sum-exp of every query",
      .inputs = {{"q"}, {"k"}, {"v"}, {"o"}, {"lse"}, {"do"}, {"dlse", core::DType::f32, true}},
      .attributes = attributes,
      .infer = infer_grad,
      .lower = flash::lower_backward,
      .ref = flash::reference_backward,
      .flops = [](const core::Infer& x) { return flops(x, 3, 2, 6); },
      .products = flash::products_backward,
      .narrow = {.operands = {0, 1, 2}, .inputs = {3, 5}, .outputs = {0, 1, 2}},
      .samples = {grad_sample(samples[0], {2, 5, 6}, {2, 2, 5}, false),
                  grad_sample(samples[1], {2, 5, 8}, {2, 4, 5}, true),
                  grad_sample(samples[2], {1, 4, 4}, {1, 2, 4}, false),
                  grad_sample(samples[3], {1, 83, 20}, {1, 2, 83}, true),
                  grad_sample(samples[4], {2, 70, 6}, {2, 2, 70}, false)},
  };
  return {std::move(forward), std::move(backward)};
}

}  // namespace isorbit::ops
