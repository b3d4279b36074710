// What several update words do to a chunk. Loops run over restricted pointers, so that they vectorise.
#pragma once
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

/// direction *= factor.
[[nodiscard]] inline ChunkUpdate multiply(double factor) {
  return [f = static_cast<float>(factor)](const Chunk& chunk) {
    float* __restrict__ const d = chunk.direction.data();
    for (std::size_t i = 0; i < chunk.direction.size(); ++i) d[i] *= f;
  };
}

}  // namespace isorbit::experiments::updates
