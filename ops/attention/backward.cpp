// Gradient of attention after FlashAttention-2 (Dao, arXiv 2307.08691, algorithm 2): probabilities are
// computed again from lse. For a key head, over its query heads and their blocks of queries in order,
//   S^T = K Q^T,  P^T = exp(scale S^T - lse),  dP^T = V dO^T,  dS^T = P^T (dP^T - delta),
//   dV += P^T dO,  dK += dS^T Q,  dQ = dS K,
// with delta = sum over features of dO o - dlse; dQ and dK are scaled when they are written. A key head is
// one thread's, so that dk and dv are summed in one order.
#include "ops/attention/kernels.hpp"
#include "ops/attention/workers.hpp"
#include "ops/kernels/attention_columns.hpp"

namespace isorbit::ops::flash {

namespace {

using core::DType;

struct Plan : CommonPlan {
  explicit Plan(const core::Lower& x);

  struct Tensors {
    Heads<const void> q, k, v, o, dout;
    const float *lse = nullptr, *dlse = nullptr;
    Heads<void> dq, dk, dv;
  };
  [[nodiscard]] Tensors tensors(const core::Binding& b) const;
  /// The key head, numbered over all sequences, at which a slot begins.
  [[nodiscard]] std::int64_t first(std::int64_t slot) const { return g.batch * g.key_heads * slot / slots; }

  std::vector<DType> in, out;
  std::size_t q, dout, s, dp, p, ds, dq, dk, dv, lse, delta;  // offsets in a worker's scratch

 private:
  /// Per kind of block: S^T, dP^T, dV, dK, dQ.
  void add_products(const core::Engine& engine);
};

Plan::Plan(const core::Lower& x) : CommonPlan(x) {
  slots = std::min<std::int64_t>(x.engine().threads(), g.batch * g.key_heads);
  for (std::size_t i = 0; i < 6; ++i) in.push_back(x.type(i).dtype);
  for (std::size_t i = 0; i < 3; ++i) out.push_back(x.out_type(i).dtype);
  Scratch scratch;
  const std::int64_t n = g.block();
  q = scratch.take(n * g.d, operand), dout = scratch.take(n * g.e, operand);
  k = scratch.take(g.keys * g.d, operand), v = scratch.take(g.keys * g.e, operand);
  s = scratch.take(n * g.keys), dp = scratch.take(n * g.keys);
  p = operand == DType::f32 ? s : scratch.take(n * g.keys, operand);
  ds = operand == DType::f32 ? dp : scratch.take(n * g.keys, operand);
  dq = scratch.take(n * g.d), dk = scratch.take(g.keys * g.d), dv = scratch.take(g.keys * g.e);
  lse = scratch.take(n), delta = scratch.take(n);
  add_products(x.engine());
  close(scratch);
}

void Plan::add_products(const core::Engine& engine) {
  const std::int64_t n = g.block();
  const Placed qs{n, g.d, q, operand}, douts{n, g.e, dout, operand};
  for (std::int64_t kind = 0; kind < g.kinds(); ++kind) {
    const std::int64_t seen = g.seen(kind);
    const Placed ks{seen, g.d, k, operand}, vs{seen, g.e, v, operand}, ps{seen, n, p, operand},
        dss{seen, n, ds, operand};
    constexpr auto kAccumulate = Gemm::Into::accumulate;
    products.push_back({PlacedGemm(engine, ks, qs.transpose(), {seen, n, s}),
                        PlacedGemm(engine, vs, douts.transpose(), {seen, n, dp}),
                        PlacedGemm(engine, ps, douts, {seen, g.e, dv}, kAccumulate),
                        PlacedGemm(engine, dss, qs, {seen, g.d, dk}, kAccumulate),
                        PlacedGemm(engine, dss.transpose(), ks, {n, g.d, dq})});
  }
}

Plan::Tensors Plan::tensors(const core::Binding& b) const {
  return {{b.in[0], in[0], g.queries, g.heads, g.d},    {b.in[1], in[1], g.keys, g.key_heads, g.d},
          {b.in[2], in[2], g.keys, g.key_heads, g.e},   {b.in[3], in[3], g.queries, g.heads, g.e},
          {b.in[5], in[5], g.queries, g.heads, g.e},    b.input(4),
          b.in.size() > 6 ? b.input(6) : nullptr,       {b.out[0], out[0], g.queries, g.heads, g.d},
          {b.out[1], out[1], g.keys, g.key_heads, g.d}, {b.out[2], out[2], g.keys, g.key_heads, g.e}};
}

class Worker : public CommonWorker<Plan> {
 public:
  using CommonWorker::CommonWorker;

  /// Key heads [first, last) of all sequences.
  void run(std::int64_t first, std::int64_t last) const {
    for (std::int64_t i = first; i < last; ++i) key_head(i);
  }

 private:
  void key_head(std::int64_t number) const {
    const Plan& p = *plan_;
    const Geometry& g = p.g;
    const std::int64_t sequence = number / g.key_heads, key_head = number % g.key_heads;
    load_keys(sequence, key_head);
    std::fill_n(at(p.dk), g.keys * g.d, 0.0F);
    std::fill_n(at(p.dv), g.keys * g.e, 0.0F);
    const std::int64_t blocks = g.group() * g.blocks();
    for (std::int64_t i = number * blocks; i < (number + 1) * blocks; ++i) block(g.place(i));
    const auto scale = [&](std::int64_t) { return g.scale; };
    scatter(at(p.dk), g.keys, scale, t_.dk, t_.dk.at(sequence, 0, key_head));
    scatter(
        at(p.dv), g.keys, [](std::int64_t) { return 1.0F; }, t_.dv, t_.dv.at(sequence, 0, key_head));
  }

  void block(const Place& place) const {
    const Plan& p = *plan_;
    const std::int64_t n = p.g.block(), rows = p.g.rows(place.block), seen = p.g.seen(place.block);
    const std::int64_t first = place.block * n;
    const auto rows_of = [&](const auto& x) { return x.at(place.sequence, first, place.head); };
    gather(t_.q, rows_of(t_.q), rows, n, at(p.q), p.operand);
    gather(t_.dout, rows_of(t_.dout), rows, n, at(p.dout), p.operand);
    load_statistics(place, rows);
    const std::vector<Gemm::Call>& call = products(place.block);
    call[0]();
    call[1]();
    const auto c = static_cast<float>(p.g.scale * 1.4426950408889634);
    if (p.g.causal) hide_future(at(p.s), first, seen, n, c);
    kernels::softmax_columns_backward(at(p.s), at(p.dp), at(p.lse), at(p.delta), seen, n, c,
                                      {at(p.p), p.operand}, {at(p.ds), p.operand});
    for (std::size_t product = 2; product < 5; ++product) call[product]();
    scatter(
        at(p.dq), rows, [&](std::int64_t) { return p.g.scale; }, t_.dq, rows_of(t_.dq));
  }

  /// lse / ln 2 and delta of the block's queries; 0 past the last one, where do is 0 too.
  void load_statistics(const Place& place, std::int64_t rows) const {
    const Plan& p = *plan_;
    const std::int64_t first = place.block * p.g.block(), e = p.g.e, stride = t_.o.stride();
    const std::int64_t row = (place.sequence * p.g.heads + place.head) * p.g.queries + first;
    float *lse = at(p.lse), *delta = at(p.delta);
    std::fill_n(lse, p.g.block(), 0.0F);
    std::fill_n(delta, p.g.block(), 0.0F);
    with_type(t_.o.dtype, t_.o.at(place.sequence, first, place.head), [&](const auto* o) {
      with_type(t_.dout.dtype, t_.dout.at(place.sequence, first, place.head), [&](const auto* dout) {
        for (std::int64_t r = 0; r < rows; ++r) {
          const auto* a = o + r * stride;
          const auto* b = dout + r * stride;
          if (r + kRowsAhead < rows) prefetch(a + kRowsAhead * stride, e);
          delta[r] =
              sum8(e, [=](std::int64_t i, auto count) { return load(a + i, count) * load(b + i, count); });
          if (t_.dlse != nullptr) delta[r] -= t_.dlse[row + r];
          lse[r] = t_.lse[row + r] * 1.44269504F;
        }
      });
    });
  }
};

}  // namespace

std::vector<core::MatrixProduct> products_backward(const core::Infer& x,
                                                   std::span<const core::TensorType> /*out*/) {
  const Geometry g = geometry(x.in(0), x.in(1), x.in(2), x);
  const std::int64_t n = g.block(), count = g.blocks_of_kind();
  const DType operand = x.type(0).dtype;
  std::vector<core::MatrixProduct> products;
  for (std::int64_t kind = 0; kind < g.kinds(); ++kind) {
    const std::int64_t seen = g.seen(kind);
    products.push_back({count, seen, g.d, n, false, true, operand, DType::f32});
    products.push_back({count, seen, g.e, n, false, true, operand, DType::f32});
    products.push_back({count, seen, n, g.e, false, false, operand, DType::f32});
    products.push_back({count, seen, n, g.d, false, false, operand, DType::f32});
    products.push_back({count, n, seen, g.d, true, false, operand, DType::f32});
  }
  return products;
}

core::Lowered lower_backward(const core::Lower& x) {
  return on_workers<Worker>("attention_grad", std::make_shared<const Plan>(x));
}

}  // namespace isorbit::ops::flash
