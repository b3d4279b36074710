// Unigram entropy: the floor that a model must beat to have learnt anything from context.
#pragma once
#include <cstdint>
#include <span>

namespace isorbit::experiments {

/// H = -sum_i p_i ln p_i, p_i = counts[i] / sum(counts); nats per token. 0 for no counts.
[[nodiscard]] double unigram_entropy(std::span<const std::uint64_t> counts);

}  // namespace isorbit::experiments
