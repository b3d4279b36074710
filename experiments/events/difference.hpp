// How far an event has moved the logits, which it should have left alone.
#pragma once
#include <algorithm>
#include <cmath>
#include <span>

#include "experiments/event.hpp"

namespace isorbit::experiments::events {

/// The largest difference of logits.
struct Difference {
  double relative = 0;  // to the largest logit; NaN or infinite where there is no telling
  double ulp = 0;       // in units in the last place of the largest logit
};

[[nodiscard]] inline Difference difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(b[i]) - static_cast<double>(a[i]));
    if (!std::isfinite(d)) return {EventRow::kNone, EventRow::kNone};
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
    most = std::max(most, d);
  }
  if (most == 0) return {};
  const auto top = static_cast<float>(largest);
  return {most / largest, most / (std::nextafter(top, INFINITY) - top)};
}

}  // namespace isorbit::experiments::events
