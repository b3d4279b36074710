// A number read off one weight matrix.
//
// Every file of analysis/measures/ defines one function, named as the file, that returns a Measure; the build
// lists them in `measures::registered()`.
#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace isorbit::analysis {

/// A row-major matrix [rows, cols] (a row is a neuron) with its singular values, descending, min(rows, cols)
/// of them.
struct MatrixView {
  std::span<const float> values;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::span<const double> singular_values;
};

/// `of` returns NaN where the measure is not defined (a zero matrix, entries that are not finite).
struct Measure {
  std::string name;
  std::string doc;
  std::string unit;  // "1" when it has none
  std::function<double(const MatrixView&)> of;
};

namespace measures {
/// Every measure of analysis/measures/, in the order of the file names.
[[nodiscard]] std::vector<Measure> registered();
}  // namespace measures

}  // namespace isorbit::analysis
