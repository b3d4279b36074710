// What the kernels of attention and of its gradient have in common: a plan made once, and a worker per slot,
// which computes its part of the work in its own scratch.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ops/attention/geometry.hpp"
#include "ops/attention/rows.hpp"
#include "ops/attention/scratch.hpp"

namespace isorbit::ops::flash {

/// What every run and every worker shares.
struct CommonPlan {
  explicit CommonPlan(const core::Lower& x)
      : g(geometry(x.in(0), x.in(1), x.in(2), x)), operand(x.type(0).dtype) {}

  Geometry g;
  std::int64_t slots = 1;
  core::DType operand;                            // what products read
  std::vector<std::vector<PlacedGemm>> products;  // per kind of block
  /// Offsets in a worker's scratch: of a head's keys and values, and of what products need; its bytes.
  std::size_t k = 0, v = 0, inner = 0, bytes = 0;

 protected:
  /// When all buffers are booked and all products made.
  void close(Scratch& scratch) {
    std::size_t most = 0;
    for (const auto& kind : products)
      for (const PlacedGemm& product : kind) most = std::max(most, product.gemm.scratch_bytes());
    inner = scratch.take(static_cast<std::int64_t>(most) / 4);
    bytes = scratch.bytes();
  }
};

/// A Plan is a CommonPlan with the tensors of a binding, of which t.k and t.v are the keys and values, and
/// with first(slot), the unit of work its worker begins at.
template <class Plan>
class CommonWorker {
 public:
  CommonWorker(std::shared_ptr<const Plan> plan, const core::Binding& b, std::size_t slot)
      : plan_(std::move(plan)),
        t_(plan_->tensors(b)),
        scratch_(static_cast<std::byte*>(b.scratch) + slot * plan_->bytes) {
    for (const auto& kind : plan_->products) {
      calls_.emplace_back();
      for (const PlacedGemm& product : kind)
        calls_.back().push_back(product.bind(*b.engine, slot, scratch_, plan_->inner));
    }
  }

 protected:
  template <class T = float>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(scratch_ + offset);
  }

  void load_keys(std::int64_t sequence, std::int64_t head) const {
    const Plan& p = *plan_;
    gather(t_.k, t_.k.at(sequence, 0, head), p.g.keys, p.g.keys, at(p.k), p.operand);
    gather(t_.v, t_.v.at(sequence, 0, head), p.g.keys, p.g.keys, at(p.v), p.operand);
  }

  /// The products of block i of a head.
  [[nodiscard]] const std::vector<Gemm::Call>& products(std::int64_t i) const {
    return calls_[static_cast<std::size_t>(plan_->g.kind(i))];
  }

  std::shared_ptr<const Plan> plan_;
  typename Plan::Tensors t_;

 private:
  std::byte* scratch_;
  std::vector<std::vector<Gemm::Call>> calls_;
};

/// The kernel in which Worker::run(first, last) computes a part of the units of work, all slots side by side.
template <class Worker, class Plan>
[[nodiscard]] core::Lowered on_workers(const std::string& name, const std::shared_ptr<const Plan>& plan) {
  core::Lowered lowered;
  lowered.implementation = "own:" + name + ", " + plan->products.back().front().gemm.implementation();
  lowered.scratch_bytes = plan->bytes * static_cast<std::size_t>(plan->slots);
  lowered.bind = [plan](const core::Binding& b) -> core::Kernel {
    std::vector<Worker> workers;
    for (std::int64_t slot = 0; slot < plan->slots; ++slot)
      workers.emplace_back(plan, b, static_cast<std::size_t>(slot));
    return [plan, workers = std::move(workers), engine = b.engine] {
      engine->parallel(plan->slots, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t slot = begin; slot < end; ++slot)
          workers[static_cast<std::size_t>(slot)].run(plan->first(slot), plan->first(slot + 1));
      });
    };
  };
  return lowered;
}

}  // namespace isorbit::ops::flash
