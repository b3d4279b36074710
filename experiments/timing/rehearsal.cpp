#include "experiments/timing/rehearsal.hpp"

#include <algorithm>

#include "core/random/philox.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::uint64_t kSeed = 0;

}  // namespace

Rehearsal::Rehearsal(core::Model model, Method method, const core::OpSet& ops, const Compute& compute)
    : model_(std::move(model)),
      method_(std::move(method)),
      compute_(compute),
      learner_(model_, method_, ops, kSeed, compute_) {}

std::int64_t Rehearsal::targets() const {
  std::int64_t least = 0;
  for (const core::ModelInput& input : model_.inputs) {
    const std::int64_t elements = input.type.shape.elements();
    if (least == 0 || elements < least) least = elements;
  }
  return least;
}

void Rehearsal::fill(const BatchBuffers& buffers, std::int64_t step) const {
  for (const core::ModelInput& input : model_.inputs) {
    const auto buffer = buffers.find(input.name);
    if (buffer == buffers.end()) continue;
    const core::Philox random(kSeed, core::stream_of(input.name), static_cast<std::uint64_t>(step));
    if (const auto* indices = std::get_if<std::span<std::int32_t>>(&buffer->second)) {
      const auto bound = static_cast<std::uint64_t>(std::max<std::int64_t>(input.below, 1));
      for (std::size_t i = 0; i < indices->size(); ++i)
        (*indices)[i] = static_cast<std::int32_t>(random.below(i, bound));
    } else {
      random.fill_uniform(std::get<std::span<float>>(buffer->second), 0.0, 1.0);
    }
  }
}

}  // namespace isorbit::experiments
