// What an event does to a tensor's steps in place of its entries. With W' = s W on an orbit of equivalent
// weights a gradient is G' = G / s, and a chain of words that makes s^-p d of it, where it made d of G, moves
// W by s^-1 s^-p d: training W with the part of the direction that comes from the gradient multiplied by
//   s^-(1 + p),   p: product of the words' degrees
// and everything else (decoupled decay) as it was is training W'. Under Adam, Lion and Muon p = 0, under
// momentum and plain descent p = 1. Epsilon, clipping and rounding aside.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/graph/types.hpp"
#include "experiments/method.hpp"

namespace isorbit::experiments {

/// Where a chain of words takes multipliers of its rates.
struct RateRule {
  double exponent = -1;     // -(1 + p)
  std::size_t before = 0;   // the word before which the direction is multiplied; all: after the last
  bool elementwise = true;  // no word looks at more than one element: rows and columns may differ
  std::string obstacle;     // why there is no such place; empty: there is
};
[[nodiscard]] RateRule rate_rule(std::span<const Word<Update>> chain);

/// The factors s of rows and columns that a tensor's rates stand for, and the multipliers; empty: all 1.
struct Rates {
  std::vector<float> rows, columns;
  std::vector<float> row_multipliers, column_multipliers;

  [[nodiscard]] bool empty() const { return rows.empty() && columns.empty(); }
  /// Multiplies the factors along an axis (0: rows, else columns) of a tensor of this shape.
  void scale(const core::Shape& shape, std::size_t axis, std::span<const double> factors, double exponent);
  /// Computes the multipliers from the factors.
  void refresh(double exponent);
  /// Multiplies elements of the direction, of which the first is number `first` of the tensor.
  void multiply(const core::Shape& shape, std::int64_t first, std::span<float> direction) const;
};

/// Multiplies a tensor's rows (axis 0) or columns (1). A tensor of one axis has rows of one element.
void scale_along(std::span<float> values, const core::Shape& shape, std::size_t axis,
                 std::span<const double> factors);

}  // namespace isorbit::experiments
