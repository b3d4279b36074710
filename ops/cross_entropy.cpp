// Mean cross entropy in nats: with l a row of V logits and t its target,
//   loss = mean over rows of (lse - l_t),   lse = max l + log sum_j exp(l_j - max l).
// Outputs: the loss [] and lse, one per row. Gradient from dloss and dlse:
//   dl_j = exp(l_j - lse) (dloss / rows + dlse) - [j = t] dloss / rows.
// A row's loss and the mean over rows are summed in double, in the order of the rows.
#include "ops/cross_entropy.hpp"

#include <numeric>

#include "ops/common.hpp"
#include "ops/kernels/cross_entropy.hpp"
#include "ops/storage.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

Shape rows_shape(const Shape& logits) {
  return Shape(std::vector<std::int64_t>(logits.dims().begin(), logits.dims().end() - 1));
}

void check(const Infer& x) {
  least_rank(x, 0, 1, "the last dimension holds one logit per class");
  const Shape rows = rows_shape(x.in(0));
  if (x.in(1) != rows)
    x.refuse(1, rows.text(), "there is one target per row of the logits " + x.in(0).text());
}

std::vector<TensorType> infer(const Infer& x) {
  check(x);
  return {f32(Shape{}), f32(rows_shape(x.in(0)))};
}

std::vector<TensorType> infer_grad(const Infer& x) {
  check(x);
  same_shape(x, 2, 1, "there is one log-sum-exp per row");
  if (x.has(3) && x.in(3).elements() != 1) x.refuse(3, "one element", "the loss is a scalar");
  if (x.has(4)) same_shape(x, 4, 1, "there is one log-sum-exp per row");
  return like_first(x);
}

template <class L>
Lowered lower_with(const Lower& x) {
  const std::int64_t n = x.in(0).back(), rows = x.in(0).rows();
  return Lowered::own(
      "cross_entropy",
      [=](const Binding& binding) {
        const auto* targets = binding.input<std::int32_t>(1);
        check_targets({targets, static_cast<std::size_t>(rows)}, n);
        auto* losses = static_cast<double*>(binding.scratch);
        binding.engine->parallel(rows, row_grain(n), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t r = begin; r < end; ++r)
            losses[r] = kernels::loss_row(binding.input<L>(0) + r * n, targets[r], n, binding.output(1)[r]);
        });
        const double total = std::accumulate(losses, losses + rows, 0.0);
        *binding.output(0) = static_cast<float>(total / static_cast<double>(rows));
      },
      static_cast<std::size_t>(rows) * sizeof(double));
}

template <class L, class D>
Lowered lower_grad_with(const Lower& x) {
  const std::int64_t n = x.in(0).back(), rows = x.in(0).rows();
  return Lowered::own("cross_entropy_grad", [=](const Binding& binding) {
    const auto* targets = binding.input<std::int32_t>(1);
    check_targets({targets, static_cast<std::size_t>(rows)}, n);
    const L* logits = binding.input<L>(0);
    const auto optional = [&](std::size_t i) { return i < binding.in.size() ? binding.input(i) : nullptr; };
    const float *lse = binding.input(2), *dloss = optional(3), *dlse = optional(4);
    const float hit = dloss ? *dloss / static_cast<float>(rows) : 0;
    D* dlogits = binding.output<D>();
    binding.engine->parallel(rows, row_grain(n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const float all = dlse ? hit + dlse[r] : hit;
        kernels::gradient_row(logits + r * n, targets[r], lse[r], all, hit, n, dlogits + r * n);
      }
    });
  });
}

Lowered lower(const Lower& x) {
  return with_storage(x.type(0), [&](auto l) { return lower_with<decltype(l)>(x); });
}

Lowered lower_grad(const Lower& x) {
  return with_storage(x.type(0), x.out_type(),
                      [&](auto l, auto d) { return lower_grad_with<decltype(l), decltype(d)>(x); });
}

void ref(const Ref& x) {
  const auto n = static_cast<std::size_t>(x.in_shape(0).back());
  const auto targets = x.index(1);
  check_targets(targets, x.in_shape(0).back());
  double sum = 0;
  for (std::size_t r = 0; r < targets.size(); ++r) {
    const auto row = x.in(0).subspan(r * n, n);
    const double most = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (const double logit : row) total += std::exp(logit - most);
    x.out(1)[r] = most + std::log(total);
    sum += x.out(1)[r] - row[static_cast<std::size_t>(targets[r])];
  }
  x.out(0)[0] = sum / static_cast<double>(targets.size());
}

void ref_grad(const Ref& x) {
  const auto n = static_cast<std::size_t>(x.in_shape(0).back());
  const auto targets = x.index(1);
  check_targets(targets, x.in_shape(0).back());
  const double hit = x.has(3) ? x.in(3)[0] / static_cast<double>(targets.size()) : 0;
  for (std::size_t r = 0; r < targets.size(); ++r) {
    const double all = hit + (x.has(4) ? x.in(4)[r] : 0);
    for (std::size_t i = 0; i < n; ++i) x.out()[r * n + i] = std::exp(x.in(0)[r * n + i] - x.in(2)[r]) * all;
    x.out()[r * n + static_cast<std::size_t>(targets[r])] -= hit;
  }
}

}  // namespace

OpFamily cross_entropy() {
  OpCard forward;
  forward.name = "cross_entropy";
  forward.doc = "mean over rows of log-sum-exp of the logits minus the target's logit, in nats";
  forward.inputs = {{"logits"}, {"targets", DType::s32}};
  forward.infer = infer;
  forward.grad = [](Grad& g) {
    g.set(0, g.build().op("cross_entropy_grad", {g.in(0), g.in(1), g.out(1), g.dy(0), g.dy(1)}));
  };
  forward.lower = lower;
  forward.ref = ref;
  forward.flops = [](const Infer& x) { return 4.0 * static_cast<double>(x.in(0).elements()); };
  forward.scaling = not_homogeneous;
  forward.narrow = {.inputs = {0}};
  forward.samples = {{{{{3, 5}}, {{3}, DType::s32, 5}}},
                     {{{{2, 4, 37}}, {{2, 4}, DType::s32, 37}}},
                     {{{{8}}, {{}, DType::s32, 8}}}};

  OpCard backward;
  backward.name = "cross_entropy_grad";
  backward.doc = "gradient of cross_entropy by the logits, given the log-sum-exp of every row";
  backward.inputs = {
      {"logits"}, {"targets", DType::s32}, {"lse"}, {"dloss", DType::f32, true}, {"dlse", DType::f32, true}};
  backward.infer = infer_grad;
  backward.lower = lower_grad;
  backward.ref = ref_grad;
  backward.flops = [](const Infer& x) { return 3.0 * static_cast<double>(x.in(0).elements()); };
  backward.in_place = {{0, 0}};
  backward.narrow = {.inputs = {0}, .outputs = {0}};
  backward.samples = {{{{{3, 5}}, {{3}, DType::s32, 5}, {{3}}, {{}}}},
                      {{{{2, 4, 37}}, {{2, 4}, DType::s32, 37}, {{2, 4}}, {{}}, {{2, 4}}}}};
  return {forward, backward};
}

}  // namespace isorbit::ops
