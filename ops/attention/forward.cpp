// Attention forward after FlashAttention-2 (Dao, arXiv 2307.08691) with whole columns of scores: for a block
// of queries, against the keys it sees only,
//   S^T = K Q^T,  P^T = 2^(c S^T - m),  O = P V / sum P.
// The blocks of all heads are shared out over the threads by their work. What a block computes depends on the
// block alone.
#include "ops/attention/kernels.hpp"
#include "ops/attention/workers.hpp"
#include "ops/kernels/attention_columns.hpp"

namespace isorbit::ops::flash {

namespace {

using core::DType;

struct Plan : CommonPlan {
  explicit Plan(const core::Lower& x);

  struct Tensors {
    Heads<const void> q, k, v;
    Heads<void> o;
    float* lse = nullptr;
  };
  [[nodiscard]] Tensors tensors(const core::Binding& b) const;
  /// The block, numbered over all heads, at which a slot begins.
  [[nodiscard]] std::int64_t first(std::int64_t slot) const;

  DType types[4];
  std::size_t q, s, p, o, inverse, lse;  // offsets in a worker's scratch
  std::vector<std::int64_t> work;        // of the blocks of a head before block i; the last: of all
};

Plan::Plan(const core::Lower& x)
    : CommonPlan(x), types{x.type(0).dtype, x.type(1).dtype, x.type(2).dtype, x.out_type(0).dtype} {
  slots = std::min<std::int64_t>(x.engine().threads(), g.all_blocks());
  Scratch scratch;
  const std::int64_t n = g.block();
  q = scratch.take(n * g.d, operand), k = scratch.take(g.keys * g.d, operand);
  v = scratch.take(g.keys * g.e, operand);
  s = scratch.take(n * g.keys), p = operand == DType::f32 ? s : scratch.take(n * g.keys, operand);
  o = scratch.take(n * g.e), inverse = scratch.take(n), lse = scratch.take(n);
  for (std::int64_t kind = 0; kind < g.kinds(); ++kind) {
    const std::int64_t seen = g.seen(kind);
    const Placed qs{n, g.d, q, operand}, ks{seen, g.d, k, operand}, vs{seen, g.e, v, operand},
        ps{seen, n, p, operand};
    products.push_back({PlacedGemm(x.engine(), ks, qs.transpose(), {seen, n, s}),
                        PlacedGemm(x.engine(), ps.transpose(), vs, {n, g.e, o})});
  }
  close(scratch);
  work.push_back(0);
  for (std::int64_t i = 0; i < g.blocks(); ++i) work.push_back(work.back() + g.seen(i));
}

Plan::Tensors Plan::tensors(const core::Binding& b) const {
  return {{b.in[0], types[0], g.queries, g.heads, g.d},
          {b.in[1], types[1], g.keys, g.key_heads, g.d},
          {b.in[2], types[2], g.keys, g.key_heads, g.e},
          {b.out[0], types[3], g.queries, g.heads, g.e},
          b.output(1)};
}

std::int64_t Plan::first(std::int64_t slot) const {
  const std::int64_t amount = g.batch * g.heads * work.back() * slot / slots;
  const auto within = std::lower_bound(work.begin(), work.end(), amount % work.back());
  return amount / work.back() * g.blocks() + (within - work.begin());
}

class Worker : public CommonWorker<Plan> {
 public:
  using CommonWorker::CommonWorker;

  /// Blocks [first, last) of all heads' blocks.
  void run(std::int64_t first, std::int64_t last) const {
    const Geometry& g = plan_->g;
    std::int64_t loaded = -1;
    for (std::int64_t number = first; number < last; ++number) {
      const Place at = g.place(number);
      const std::int64_t key_head = at.sequence * g.key_heads + at.head / g.group();
      if (key_head != loaded) load_keys(at.sequence, at.head / g.group());
      loaded = key_head;
      block(at);
    }
  }

 private:
  void block(const Place& place) const {
    const Plan& p = *plan_;
    const std::int64_t n = p.g.block(), rows = p.g.rows(place.block), seen = p.g.seen(place.block);
    const std::int64_t first = place.block * n;
    const std::vector<Gemm::Call>& call = products(place.block);
    gather(t_.q, t_.q.at(place.sequence, first, place.head), rows, n, at(p.q), p.operand);
    call[0]();
    const auto c = static_cast<float>(p.g.scale * 1.4426950408889634);
    if (p.g.causal) hide_future(at(p.s), first, seen, n, c);
    kernels::softmax_columns(at(p.s), seen, n, c, {at(p.p), p.operand}, at(p.inverse), at(p.lse));
    call[1]();
    scatter(
        at(p.o), rows, [inverse = at(p.inverse)](std::int64_t r) { return inverse[r]; }, t_.o,
        t_.o.at(place.sequence, first, place.head));
    std::copy_n(at(p.lse), rows, t_.lse + (place.sequence * p.g.heads + place.head) * p.g.queries + first);
  }
};

}  // namespace

std::vector<core::MatrixProduct> products_forward(const core::Infer& x,
                                                  std::span<const core::TensorType> /*out*/) {
  const Geometry g = geometry(x.in(0), x.in(1), x.in(2), x);
  const std::int64_t n = g.block(), count = g.blocks_of_kind();
  std::vector<core::MatrixProduct> products;
  for (std::int64_t kind = 0; kind < g.kinds(); ++kind) {
    const std::int64_t seen = g.seen(kind);
    products.push_back({count, seen, g.d, n, false, true, x.type(0).dtype, DType::f32});
    products.push_back({count, n, seen, g.e, true, false, x.type(0).dtype, DType::f32});
  }
  return products;
}

core::Lowered lower_forward(const core::Lower& x) {
  return on_workers<Worker>("attention", std::make_shared<const Plan>(x));
}

}  // namespace isorbit::ops::flash
