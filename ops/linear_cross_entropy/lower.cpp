// A chunk's pieces: logits, losses and, in their place or beside them, gradients d, from which dx; then its
// bands: dW. Scratch: the losses, a chunk's gradients, and per slice logits and what products need.
#include <memory>
#include <numeric>
#include <vector>

#include "core/runtime/bf16.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/kernels/cross_entropy.hpp"
#include "ops/linear_cross_entropy/kernels.hpp"
#include "ops/linear_cross_entropy/products.hpp"

namespace isorbit::ops::head {

namespace {

/// What every run shares.
struct Plan {
  Plan(const core::Lower& x, bool gradients) : cut(x, gradients), products(x.engine(), cut) {}
  Cut cut;
  Products products;
  [[nodiscard]] std::size_t slice_bytes() const { return cut.logits_bytes() + products.scratch_bytes(); }
};

/// A head on the tensors of one binding.
class Head {
 public:
  Head(std::shared_ptr<const Plan> plan, const core::Binding& binding)
      : plan_(std::move(plan)), cut_(plan_->cut), t_(binding) {
    auto* scratch = static_cast<std::byte*>(t_.scratch);
    losses_ = reinterpret_cast<double*>(scratch);
    gradients_ = scratch + cut_.losses_bytes();
    std::byte* slice = gradients_ + cut_.gradients_bytes();
    for (int i = 0; i < t_.engine->threads(); ++i, slice += plan_->slice_bytes()) {
      logits_.push_back(reinterpret_cast<float*>(slice));
      calls_.push_back(
          plan_->products.bind(*t_.engine, static_cast<std::size_t>(i), slice + cut_.logits_bytes()));
    }
  }

  void run() {
    const auto* targets = t_.input<std::int32_t>(2);
    check_targets({targets, static_cast<std::size_t>(cut_.rows)}, cut_.classes);
    for (std::int64_t first = 0; first < cut_.rows; first += cut_.chunk()) {
      const std::int64_t rows = std::min(cut_.chunk(), cut_.rows - first);
      share(rows, cut_.piece(), [&](std::int64_t at, std::int64_t some, std::size_t slice) {
        piece(first, at, some, targets, slice);
      });
      if (!cut_.of_weight) continue;
      share(cut_.classes, cut_.band(), [&](std::int64_t at, std::int64_t some, std::size_t slice) {
        calls_[slice].dweights.at({some, rows, first > 0 ? 1 : 0})(gradients_ + at * cut_.operand_size(),
                                                                   x(first), t_.output(2) + at * cut_.width);
      });
    }
    const double sum = std::accumulate(losses_, losses_ + cut_.rows, 0.0);
    *t_.output(0) = static_cast<float>(sum / static_cast<double>(cut_.rows));
  }

 private:
  /// Calls body(at, some, slice) for `some` of n from `at`, `step` at a time, split over the threads; slices
  /// that run at once have different numbers.
  template <class Body>
  void share(std::int64_t n, std::int64_t step, const Body& body) {
    const std::int64_t parts = (n + step - 1) / step;
    const std::int64_t slices = std::min<std::int64_t>(t_.engine->threads(), parts);
    t_.engine->parallel(slices, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t s = begin; s < end; ++s)
        for (std::int64_t i = parts * s / slices; i < parts * (s + 1) / slices; ++i)
          body(i * step, std::min(step, n - i * step), static_cast<std::size_t>(s));
    });
  }

  [[nodiscard]] const std::byte* x(std::int64_t row) const {
    return t_.input<std::byte>(0) + row * cut_.width * cut_.operand_size();
  }

  /// `some` rows from row `at` of the chunk that begins at row `first`.
  void piece(std::int64_t first, std::int64_t at, std::int64_t some, const std::int32_t* targets,
             std::size_t slice) {
    const std::int64_t row = first + at;
    std::byte* d = gradients_ + at * cut_.classes * cut_.operand_size();
    float* l = cut_.in_place() ? reinterpret_cast<float*>(d) : logits_[slice];
    calls_[slice].logits.at(some)(x(row), t_.in[1], l);
    if (!cut_.gradients) {
      float lse = 0;
      for (std::int64_t r = 0; r < some; ++r)
        losses_[row + r] = kernels::loss_row(l + r * cut_.classes, targets[row + r], cut_.classes, lse);
      return;
    }
    if (cut_.operand == core::DType::bf16) {
      gradients(l, row, some, targets, reinterpret_cast<core::Bf16*>(d));
    } else {
      gradients(l, row, some, targets, l);
    }
    std::byte* dx =
        t_.output<std::byte>(1) + row * cut_.width * static_cast<std::int64_t>(core::size_of(cut_.of_dx));
    calls_[slice].dx.at(some)(d, t_.in[1], dx);
  }

  /// The losses of `some` rows of logits from row `row` on, and their gradients d.
  template <class Stored>
  void gradients(float* l, std::int64_t row, std::int64_t some, const std::int32_t* targets, Stored* d) {
    const float hit = *t_.input(3) / static_cast<float>(cut_.rows);
    for (std::int64_t r = 0; r < some; ++r) {
      losses_[row + r] = kernels::loss_and_gradient_row(l + r * cut_.classes, targets[row + r], hit,
                                                        cut_.classes, d + r * cut_.classes);
    }
  }

  std::shared_ptr<const Plan> plan_;
  const Cut& cut_;
  core::Binding t_;
  double* losses_;
  std::byte* gradients_;
  std::vector<float*> logits_;                 // per slice
  std::vector<ProductsAs<Gemm::Call>> calls_;  // per slice
};

}  // namespace

core::Lowered lower(const core::Lower& x, bool gradients) {
  const auto plan = std::make_shared<const Plan>(x, gradients);
  core::Lowered lowered;
  lowered.implementation = "own:linear_cross_entropy";
  lowered.scratch_bytes = plan->cut.losses_bytes() + plan->cut.gradients_bytes() +
                          static_cast<std::size_t>(x.engine().threads()) * plan->slice_bytes();
  lowered.bind = [plan](const core::Binding& binding) -> core::Kernel {
    return [head = std::make_shared<Head>(plan, binding)] { head->run(); };
  };
  return lowered;
}

}  // namespace isorbit::ops::head
