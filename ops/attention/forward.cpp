// Attention forward after FlashAttention-2 (Dao, arXiv 2307.08691) with whole columns of scores: for a block
// of queries, against the keys it sees only,
//   S^T = K Q^T,  P^T = 2^(c S^T - m),  O = P V / sum P.
// The blocks of all heads are shared out over the threads by their work. What a block computes depends on the
// block alone.
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
  Heads<const void> q, k, v;
  Heads<void> o;
  float* lse = nullptr;
};

/// What every run and every thread shares.
struct Plan {
  explicit Plan(const core::Lower& x);

  Geometry g;
  std::int64_t slots = 1;
  DType operand;  // what products read
  DType types[4];
  std::size_t q, k, v, s, p, o, inverse, lse, scratchpad = 0, bytes = 0;  // offsets in a slot's scratch
  std::vector<Product> scores, values;                                    // per kind of block
  std::vector<std::int64_t> work;  // of the blocks of a head before block i; the last: of all

  [[nodiscard]] Tensors tensors(const core::Binding& b) const;
  /// Block number, over all heads, at which so much of the work is done.
  [[nodiscard]] std::int64_t block_at(std::int64_t amount) const;
};

Plan::Plan(const core::Lower& x)
    : g(geometry(x.in(0), x.in(1), x.in(2), x)),
      slots(std::min<std::int64_t>(x.engine().threads(), g.all_blocks())),
      operand(x.type(0).dtype),
      types{x.type(0).dtype, x.type(1).dtype, x.type(2).dtype, x.out_type(0).dtype} {
  Scratch scratch;
  const std::int64_t n = g.block();
  q = scratch.take(n * g.d, operand), k = scratch.take(g.keys * g.d, operand);
  v = scratch.take(g.keys * g.e, operand);
  s = scratch.take(n * g.keys), p = operand == DType::f32 ? s : scratch.take(n * g.keys, operand);
  o = scratch.take(n * g.e), inverse = scratch.take(n), lse = scratch.take(n);
  std::size_t most = 0;
  for (std::int64_t kind = 0; kind < g.kinds(); ++kind) {
    const std::int64_t seen = g.seen(kind);
    const dnnl::engine& engine = x.engine().onednn();
    scores.emplace_back(engine, Matrix{seen, g.d, k, operand}, Matrix{n, g.d, q, operand}.transpose(),
                        Matrix{seen, n, s});
    values.emplace_back(engine, Matrix{seen, n, p, operand}.transpose(), Matrix{seen, g.e, v, operand},
                        Matrix{n, g.e, o});
    most = std::max({most, scores.back().scratchpad_bytes(), values.back().scratchpad_bytes()});
  }
  scratchpad = scratch.take(static_cast<std::int64_t>(most + 3) / 4);
  bytes = scratch.bytes();
  work.push_back(0);
  for (std::int64_t i = 0; i < g.blocks(); ++i) work.push_back(work.back() + g.seen(i));
}

Tensors Plan::tensors(const core::Binding& b) const {
  return {{b.in[0], types[0], g.queries, g.heads, g.d},
          {b.in[1], types[1], g.keys, g.key_heads, g.d},
          {b.in[2], types[2], g.keys, g.key_heads, g.e},
          {b.out[0], types[3], g.queries, g.heads, g.e},
          b.output(1)};
}

std::int64_t Plan::block_at(std::int64_t amount) const {
  const std::int64_t head = amount / work.back();
  const auto within = std::lower_bound(work.begin(), work.end(), amount % work.back());
  return head * g.blocks() + (within - work.begin());
}

/// One thread's part.
class Worker {
 public:
  Worker(std::shared_ptr<const Plan> plan, const Tensors& t, std::byte* scratch, dnnl::stream& stream,
         const dnnl::engine& engine)
      : plan_(std::move(plan)), t_(t), scratch_(scratch), stream_(stream) {
    for (const Product& product : plan_->scores)
      scores_.push_back(product.bind(engine, scratch, scratch + plan_->scratchpad));
    for (const Product& product : plan_->values)
      values_.push_back(product.bind(engine, scratch, scratch + plan_->scratchpad));
  }

  /// Blocks [first, last) of all heads' blocks.
  void run(std::int64_t first, std::int64_t last) const {
    const Geometry& g = plan_->g;
    std::int64_t loaded = -1;
    for (std::int64_t number = first; number < last; ++number) {
      const Place at = g.place(number);
      const std::int64_t key_head = at.sequence * g.key_heads + at.head / g.group();
      if (key_head != loaded) load_keys(key_head);
      loaded = key_head;
      block(at);
    }
  }

 private:
  template <class T = float>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(scratch_ + offset);
  }

  void load_keys(std::int64_t key_head) const {
    const Plan& p = *plan_;
    const std::int64_t sequence = key_head / p.g.key_heads, head = key_head % p.g.key_heads;
    gather(t_.k, t_.k.at(sequence, 0, head), p.g.keys, p.g.keys, at(p.k), p.operand);
    gather(t_.v, t_.v.at(sequence, 0, head), p.g.keys, p.g.keys, at(p.v), p.operand);
  }

  void block(const Place& place) const {
    const Plan& p = *plan_;
    const std::int64_t n = p.g.block(), rows = p.g.rows(place.block), seen = p.g.seen(place.block);
    const std::int64_t first = place.block * n;
    const auto kind = static_cast<std::size_t>(p.g.kind(place.block));
    gather(t_.q, t_.q.at(place.sequence, first, place.head), rows, n, at(p.q), p.operand);
    scores_[kind](stream_);
    const auto c = static_cast<float>(p.g.scale * 1.4426950408889634);
    if (p.g.causal) hide_future(at(p.s), first, seen, n, c);
    kernels::softmax_columns(at(p.s), seen, n, c, {at(p.p), p.operand}, at(p.inverse), at(p.lse));
    values_[kind](stream_);
    scatter(
        at(p.o), rows, [inverse = at(p.inverse)](std::int64_t r) { return inverse[r]; }, t_.o,
        t_.o.at(place.sequence, first, place.head));
    std::copy_n(at(p.lse), rows, t_.lse + (place.sequence * p.g.heads + place.head) * p.g.queries + first);
  }

  std::shared_ptr<const Plan> plan_;
  Tensors t_;
  std::byte* scratch_;
  dnnl::stream& stream_;
  std::vector<Product::Call> scores_, values_;
};

}  // namespace

core::Lowered lower_forward(const core::Lower& x) {
  const auto plan = std::make_shared<const Plan>(x);
  core::Lowered lowered;
  lowered.implementation = "own:attention, " + plan->scores.back().implementation();
  lowered.scratch_bytes = plan->bytes * static_cast<std::size_t>(plan->slots);
  lowered.bind = [plan](const core::Binding& b) -> core::Kernel {
    std::vector<Worker> workers;
    for (std::size_t slot = 0; slot < static_cast<std::size_t>(plan->slots); ++slot) {
      workers.emplace_back(plan, plan->tensors(b), static_cast<std::byte*>(b.scratch) + slot * plan->bytes,
                           b.engine->stream(slot), b.engine->onednn());
    }
    return [plan, workers = std::move(workers), engine = b.engine] {
      const std::int64_t total = plan->g.batch * plan->g.heads * plan->work.back();
      engine->parallel(plan->slots, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t slot = begin; slot < end; ++slot) {
          workers[static_cast<std::size_t>(slot)].run(plan->block_at(total * slot / plan->slots),
                                                      plan->block_at(total * (slot + 1) / plan->slots));
        }
      });
    };
  };
  return lowered;
}

}  // namespace isorbit::ops::flash
