// Gradient of attention after FlashAttention-2 (Dao, arXiv 2307.08691, algorithm 2): probabilities are
// computed again from lse. For a key head, over its query heads and their blocks of queries in order,
//   S^T = K Q^T,  P^T = exp(scale S^T - lse),  dP^T = V dO^T,  dS^T = P^T (dP^T - delta),
//   dV += P^T dO,  dK += dS^T Q,  dQ = dS K,
// with delta = sum over features of dO o - dlse; dQ and dK are scaled when they are written. A key head is
// one thread's, so that dk and dv are summed in one order.
#include <memory>

#include "ops/attention/geometry.hpp"
#include "ops/attention/kernels.hpp"
#include "ops/attention/product.hpp"
#include "ops/attention/rows.hpp"
#include "ops/kernels/attention_columns.hpp"

namespace isorbit::ops::flash {

namespace {

using core::DType;

struct Tensors {
  Heads<const void> q, k, v, o, dout;
  const float *lse = nullptr, *dlse = nullptr;
  Heads<void> dq, dk, dv;
};

struct Plan {
  explicit Plan(const core::Lower& x);

  Geometry g;
  std::int64_t slots = 1;
  DType operand;
  std::vector<DType> in, out;
  std::size_t q, dout, k, v, s, dp, p, ds, dq, dk, dv, lse, delta, scratchpad = 0, bytes = 0;
  /// Per kind of block: S^T, dP^T, dV, dK, dQ.
  std::vector<std::vector<Product>> products;

  [[nodiscard]] Tensors tensors(const core::Binding& b) const;

 private:
  void add_products(const dnnl::engine& engine);
};

Plan::Plan(const core::Lower& x)
    : g(geometry(x.in(0), x.in(1), x.in(2), x)),
      slots(std::min<std::int64_t>(x.engine().threads(), g.batch * g.key_heads)),
      operand(x.type(0).dtype) {
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
  add_products(x.engine().onednn());
  std::size_t most = 0;
  for (const auto& kind : products)
    for (const Product& product : kind) most = std::max(most, product.scratchpad_bytes());
  scratchpad = scratch.take(static_cast<std::int64_t>(most + 3) / 4);
  bytes = scratch.bytes();
}

void Plan::add_products(const dnnl::engine& engine) {
  const std::int64_t n = g.block();
  const Matrix qs{n, g.d, q, operand}, douts{n, g.e, dout, operand};
  for (std::int64_t kind = 0; kind < g.kinds(); ++kind) {
    const std::int64_t seen = g.seen(kind);
    const Matrix ks{seen, g.d, k, operand}, vs{seen, g.e, v, operand}, ps{seen, n, p, operand},
        dss{seen, n, ds, operand};
    constexpr auto kAccumulate = Product::Into::accumulate;
    products.push_back({Product(engine, ks, qs.transpose(), {seen, n, s}),
                        Product(engine, vs, douts.transpose(), {seen, n, dp}),
                        Product(engine, ps, douts, {seen, g.e, dv}, kAccumulate),
                        Product(engine, dss, qs, {seen, g.d, dk}, kAccumulate),
                        Product(engine, dss.transpose(), ks, {n, g.d, dq})});
  }
}

Tensors Plan::tensors(const core::Binding& b) const {
  return {{b.in[0], in[0], g.queries, g.heads, g.d},    {b.in[1], in[1], g.keys, g.key_heads, g.d},
          {b.in[2], in[2], g.keys, g.key_heads, g.e},   {b.in[3], in[3], g.queries, g.heads, g.e},
          {b.in[5], in[5], g.queries, g.heads, g.e},    b.input(4),
          b.in.size() > 6 ? b.input(6) : nullptr,       {b.out[0], out[0], g.queries, g.heads, g.d},
          {b.out[1], out[1], g.keys, g.key_heads, g.d}, {b.out[2], out[2], g.keys, g.key_heads, g.e}};
}

class Worker {
 public:
  Worker(std::shared_ptr<const Plan> plan, const Tensors& t, std::byte* scratch, dnnl::stream& stream,
         const dnnl::engine& engine)
      : plan_(std::move(plan)), t_(t), scratch_(scratch), stream_(stream) {
    for (const auto& kind : plan_->products) {
      calls_.emplace_back();
      for (const Product& product : kind)
        calls_.back().push_back(product.bind(engine, scratch, scratch + plan_->scratchpad));
    }
  }

  /// Key heads [first, last) of all sequences.
  void run(std::int64_t first, std::int64_t last) const {
    for (std::int64_t i = first; i < last; ++i) key_head(i);
  }

 private:
  template <class T = float>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(scratch_ + offset);
  }

  void key_head(std::int64_t number) const {
    const Plan& p = *plan_;
    const Geometry& g = p.g;
    const std::int64_t sequence = number / g.key_heads, key_head = number % g.key_heads;
    gather(t_.k, t_.k.at(sequence, 0, key_head), g.keys, g.keys, at(p.k), p.operand);
    gather(t_.v, t_.v.at(sequence, 0, key_head), g.keys, g.keys, at(p.v), p.operand);
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
    const std::vector<Product::Call>& call = calls_[static_cast<std::size_t>(p.g.kind(place.block))];
    call[0](stream_);
    call[1](stream_);
    const auto c = static_cast<float>(p.g.scale * 1.4426950408889634);
    if (p.g.causal) hide_future(at(p.s), first, seen, n, c);
    kernels::softmax_columns_backward(at(p.s), at(p.dp), at(p.lse), at(p.delta), seen, n, c,
                                      {at(p.p), p.operand}, {at(p.ds), p.operand});
    for (std::size_t product = 2; product < 5; ++product) call[product](stream_);
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
          const auto *a = o + r * stride, *b = dout + r * stride;
          if (r + kRowsAhead < rows) prefetch(a + kRowsAhead * stride, e);
          delta[r] =
              sum8(e, [=](std::int64_t i, auto count) { return load(a + i, count) * load(b + i, count); });
          if (t_.dlse != nullptr) delta[r] -= t_.dlse[row + r];
          lse[r] = t_.lse[row + r] * 1.44269504F;
        }
      });
    });
  }

  std::shared_ptr<const Plan> plan_;
  Tensors t_;
  std::byte* scratch_;
  dnnl::stream& stream_;
  std::vector<std::vector<Product::Call>> calls_;
};

}  // namespace

core::Lowered lower_backward(const core::Lower& x) {
  const auto plan = std::make_shared<const Plan>(x);
  core::Lowered lowered;
  lowered.implementation = "own:attention_grad, " + plan->products.back().front().implementation();
  lowered.scratch_bytes = plan->bytes * static_cast<std::size_t>(plan->slots);
  lowered.bind = [plan](const core::Binding& b) -> core::Kernel {
    std::vector<Worker> workers;
    for (std::size_t slot = 0; slot < static_cast<std::size_t>(plan->slots); ++slot) {
      workers.emplace_back(plan, plan->tensors(b), static_cast<std::byte*>(b.scratch) + slot * plan->bytes,
                           b.engine->stream(slot), b.engine->onednn());
    }
    return [plan, workers = std::move(workers), engine = b.engine] {
      const std::int64_t heads = plan->g.batch * plan->g.key_heads;
      engine->parallel(plan->slots, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t slot = begin; slot < end; ++slot) {
          workers[static_cast<std::size_t>(slot)].run(heads * slot / plan->slots,
                                                      heads * (slot + 1) / plan->slots);
        }
      });
    };
  };
  return lowered;
}

}  // namespace isorbit::ops::flash
