// Element-wise loops of the update words.
#pragma once
#include <cstdint>

#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

/// Calls body(first, last) over the elements of the turn, a slice per thread. Bodies capture by value and
/// write through restricted pointers, so that their loops vectorise.
template <class Body>
void over_elements(const Turn& turn, const Body& body) {
  constexpr std::int64_t kGrain = 16384;  // elements below which a second thread costs more than it gives
  turn.engine.parallel(static_cast<std::int64_t>(turn.direction.size()), kGrain, body);
}

/// direction *= factor.
inline void multiply(const Turn& turn, double factor) {
  over_elements(turn, [d = turn.direction.data(), f = static_cast<float>(factor)](auto first, auto last) {
    for (std::int64_t i = first; i < last; ++i) d[i] *= f;
  });
}

}  // namespace isorbit::experiments::updates
