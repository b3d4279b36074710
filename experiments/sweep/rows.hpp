// The lines of a sweep: a cell stands there once for every arm and setting that has its document.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "analysis/labelled_run.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// A line, and the cell that is trained for it. Valid as long as the cells.
struct RowOfCell {
  const Cell* cell = nullptr;
  const std::string* arm = nullptr;
  const std::vector<Assignment>* changed = nullptr;
  std::size_t place = 0;

  /// Whether it is the line whose folder the cell has.
  [[nodiscard]] bool is_first() const { return arm == &cell->arm; }
};

/// In the order of the sweep.
[[nodiscard]] std::vector<RowOfCell> rows_of(std::span<const Cell> cells);

/// What analysis calls it.
[[nodiscard]] analysis::RunLabel label_of(const RowOfCell& row);

/// The other row that one is the same run as, and why: "same as adamw: never rescales in 20 steps".
struct SameRun {
  const RowOfCell* other = nullptr;  // null: none
  std::string text;
};
/// For every row. None for that of several which the others are the same as: the first of those with the
/// least that does nothing.
[[nodiscard]] std::vector<SameRun> same_runs(std::span<const RowOfCell> rows);

/// Adds a warning for every arm of the sweep document all of whose rows are runs of another arm.
void find_same_arms(const core::Document& document, std::span<const Cell> cells,
                    std::vector<core::Problem>& warnings);

}  // namespace isorbit::experiments
