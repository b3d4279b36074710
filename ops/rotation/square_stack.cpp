#include "ops/rotation/square_stack.hpp"

#include <algorithm>

namespace isorbit::ops {

namespace {

std::size_t number_of(SquareStack::Form f) {
  return (f.transpose_x ? 1U : 0U) + (f.transpose_y ? 2U : 0U) + (f.add ? 4U : 0U);
}

}  // namespace

SquareStack::SquareStack(const core::Engine& engine, std::int64_t first, std::int64_t count, std::int64_t b)
    : first_(first), count_(count), b_(b) {
  const core::onednn::Layout plain = matrices(count, b, b), transpose = plain.permute_axes({0, 2, 1});
  for (const Gemm::Into into : {Gemm::Into::overwrite, Gemm::Into::accumulate})
    for (const auto& y : {plain, transpose})
      for (const auto& x : {plain, transpose}) products_.emplace_back(engine, x, y, plain, into);
  for (const Gemm& p : products_) product_bytes_ = std::max(product_bytes_, p.scratch_bytes());
}

void SquareStack::place(core::Engine& engine, std::size_t slice, std::byte* scratch) {
  buffers_ = reinterpret_cast<float*>(scratch + product_bytes_);
  placed_.clear();
  for (const Gemm& p : products_) placed_.push_back(p.bind(engine, slice, scratch));
}

void SquareStack::multiply(const float* x, const float* y, float* z, Form form) {
  placed_[number_of(form)](x, y, z);
}

void SquareStack::add_identity(float* y, double scale) const {
  for (std::int64_t m = 0; m < count_; ++m)
    for (std::int64_t i = 0; i < b_; ++i) y[(m * b_ + i) * b_ + i] += static_cast<float>(scale);
}

std::size_t SquareStack::scratch_bytes(std::size_t buffers) const {
  return product_bytes_ + buffers * buffer_elements() * sizeof(float);
}

core::Lowered on_stack(std::string name, core::Engine& engine, std::int64_t n, std::int64_t b,
                       std::size_t buffers, std::vector<StackPhase> phases) {
  const std::int64_t parts = std::min<std::int64_t>(engine.threads(), n);
  std::vector<SquareStack> shares;
  core::Lowered lowered;
  for (std::int64_t i = 0; i < parts; ++i) {
    const std::int64_t first = n * i / parts, last = n * (i + 1) / parts;
    shares.emplace_back(engine, first, last - first, b);
    lowered.scratch_bytes += shares.back().scratch_bytes(buffers);
  }
  lowered.implementation = "own:" + std::move(name);
  lowered.bind = [shares = std::move(shares), phases = std::move(phases),
                  buffers](const core::Binding& binding) -> core::Kernel {
    auto placed = std::make_shared<std::vector<SquareStack>>(shares);
    auto* scratch = static_cast<std::byte*>(binding.scratch);
    for (std::size_t i = 0; i < placed->size(); ++i) {
      (*placed)[i].place(*binding.engine, i, scratch);
      scratch += (*placed)[i].scratch_bytes(buffers);
    }
    return [placed, phases, binding] {
      for (const StackPhase& phase : phases) {
        binding.engine->parallel(static_cast<std::int64_t>(placed->size()), 1,
                                 [&](std::int64_t first, std::int64_t last) {
                                   for (std::int64_t i = first; i < last; ++i)
                                     phase((*placed)[static_cast<std::size_t>(i)], binding);
                                 });
      }
    };
  };
  return lowered;
}

}  // namespace isorbit::ops
