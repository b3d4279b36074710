#include "experiments/training/gradient_mean.hpp"

namespace isorbit::experiments {

namespace {

constexpr std::int64_t kGrain = 16384;  // elements below which a second thread costs more than it gives

}  // namespace

GradientMean::GradientMean(std::vector<std::span<const float>> gradients, std::int64_t parts,
                           core::Engine& engine)
    : gradients_(std::move(gradients)), parts_(parts), engine_(engine) {
  for (const std::span<const float> gradient : gradients_) sums_.emplace_back(gradient.size(), 0.0F);
}

std::vector<std::span<const float>> GradientMean::values() const { return {sums_.begin(), sums_.end()}; }

void GradientMean::add() {
  if (is_whole()) added_ = 0;
  const bool first = added_ == 0, last = ++added_ == parts_;
  const float share = 1.0F / static_cast<float>(parts_);
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    const float* __restrict__ const gradient = gradients_[i].data();
    float* __restrict__ const sum = sums_[i].data();
    const auto size = static_cast<std::int64_t>(sums_[i].size());
    engine_.parallel(size, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const float total = first ? gradient[k] : sum[k] + gradient[k];
        sum[k] = last ? total * share : total;
      }
    });
  }
}

std::size_t GradientMean::bytes() const {
  std::size_t bytes = 0;
  for (const std::vector<float>& sum : sums_) bytes += sum.size() * sizeof(float);
  return bytes;
}

}  // namespace isorbit::experiments
