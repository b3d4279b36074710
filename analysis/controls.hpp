// Whether what an arm gains over the baseline is more than its control gains.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/compare.hpp"

namespace isorbit::analysis {

/// One setting of an arm that has a control, against the same setting of the control.
struct ControlRow {
  std::string arm, control;
  std::vector<std::pair<std::string, std::string>> changed;
  std::optional<Comparison> gain;        // arm - baseline, as in its row
  std::optional<Comparison> difference;  // arm - control, over the seeds both have
  double deviation = 0;                  // of the paired differences; NaN below two
  double gain_p = 0, p_adjusted = 0;     // by Holm, over the table of arms and over that of controls
  /// Better than the baseline and than the control, each at the 5 % level; nothing where there are too few
  /// pairs to say so.
  std::optional<bool> survives;
  std::string verdict;  // a sentence
};

/// `controls`: pairs (arm, control). Baseline, goal and whether survivors count are the table's.
[[nodiscard]] std::vector<ControlRow> compare_controls(
    const CompareTable& table, std::span<const std::pair<std::string, std::string>> controls);

/// A table and a sentence a row; nothing without rows.
[[nodiscard]] std::string controls_text(std::span<const ControlRow> rows);
/// An object a line: {"arm", "changed", "control", "survives" (null where it cannot be said), "verdict"} and,
/// where there is a difference to the control, what add_paired says of it.
[[nodiscard]] std::string controls_json(std::span<const ControlRow> rows);

}  // namespace isorbit::analysis
