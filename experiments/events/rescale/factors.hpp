// The factors of a rescale. With n1 and n2 the norms of a block's sides, whose members take c^p1 and c^-p2,
//   balance  c = (n2 / n1)^(1 / (p1 + p2)): norms become equal; sqrt(n2 / n1) where both powers are 1
//   inverse  1 / c
//   random   exp(u), u uniform in (-L, L), L the largest |log c| of the kind: drawn by (seed, stream of the
//            family's name, step), number = the block
// A factor is rounded to a power of two if asked, and is 1 where |log c| is below the dead band, or where a
// norm is zero or not finite.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/event.hpp"
#include "experiments/events/rescale/granularity.hpp"
#include "experiments/events/rescale/norms.hpp"

namespace isorbit::experiments {

/// The powers of the two sides, (1, 1) for most families; nothing: members of a side differ.
[[nodiscard]] std::optional<std::array<double, 2>> side_powers(const core::ScalingFamily& family);

/// A family with its factors of this step.
struct Rescaling {
  const core::ScalingFamily* family = nullptr;
  FactorBlocks blocks;
  std::vector<double> logs;  // of c to base 2, by block; NaN: has no norm
  double before = 0;         // ratio of the first side's norm to the second's

  /// Of a member's rows or columns. `sign` -1 undoes them.
  [[nodiscard]] std::vector<double> factors(const core::ScaledWeight& member, double sign = 1) const;
  /// The one factor of a member, NaN where it has several.
  [[nodiscard]] double factor(const core::ScaledWeight& member) const;
  /// Whether it changes nothing.
  [[nodiscard]] bool is_idle() const;
};

/// The rescalings of all families of one kind, with the fields of the event.
[[nodiscard]] std::vector<Rescaling> rescalings(const std::vector<const core::ScalingFamily*>& families,
                                                const core::Json& fields, EventScope& scope);

}  // namespace isorbit::experiments
