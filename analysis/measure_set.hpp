// The measures by name.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/measure.hpp"

namespace isorbit::analysis {

class MeasureSet {
 public:
  /// Throws std::invalid_argument on a duplicate name, an empty name or a measure without a function.
  explicit MeasureSet(std::vector<Measure> measures = measures::registered());

  /// Null when there is none.
  [[nodiscard]] const Measure* find(std::string_view name) const;
  /// Throws std::invalid_argument naming the nearest measure and all there are.
  [[nodiscard]] const Measure& at(std::string_view name) const;
  [[nodiscard]] std::span<const Measure> all() const { return measures_; }
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::vector<Measure> measures_;
};

}  // namespace isorbit::analysis
