#include "analysis/controls.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/text.hpp"
#include "core/document/json_line.hpp"

namespace isorbit::analysis {
namespace {

constexpr double kLevel = 0.05;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const CompareRow* row_of(const CompareTable& table, const std::string& arm,
                         const std::vector<std::pair<std::string, std::string>>& changed) {
  for (const CompareRow& row : table.rows)
    if (row.arm == arm && row.changed == changed) return &row;
  return nullptr;
}

/// By how much a difference is for the better.
double better_by(const Comparison& difference, bool minimize) {
  return minimize ? -difference.difference : difference.difference;
}

/// Whether it is for the better at the level; `p`: of the difference, adjusted.
bool is_better(const Comparison& difference, double p, bool minimize) {
  return better_by(difference, minimize) > 0 && p < kLevel;
}

/// "0.0073 (p 0.0354)"
std::string amount(const Comparison& difference, double p, bool minimize) {
  return fixed(better_by(difference, minimize)) + (std::isnan(p) ? "" : " (p " + p_text(p) + ")");
}

/// Why nothing can be said of a row; empty: something can.
std::string silence(const ControlRow& row, const CompareRow& one, const CompareRow* other,
                    const CompareOptions& options) {
  if (row.arm == options.baseline) return "it is the baseline";
  if (!row.gain) return "nothing to say: " + one.no_difference;
  if (other == nullptr) return "nothing to say: no " + row.control;
  if (!row.difference) {
    const CompareRow& missing = is_complete(one) ? *other : one;
    return "nothing to say: " + missing.arm + " has " + seeds_text(missing);
  }
  if (const std::size_t pairs = std::min(row.gain->n, row.difference->n); pairs < kLeastPairs)
    return "nothing to say: it takes " + std::to_string(kLeastPairs) + " pairs of seeds, and there " +
           (pairs == 1 ? "is 1" : "are " + std::to_string(pairs));
  return {};
}

std::string verdict(const ControlRow& row, const CompareOptions& options) {
  const bool minimize = options.minimize;
  const Comparison &gain = *row.gain, &rest = *row.difference;
  if (!is_better(gain, row.gain_p, minimize))
    return "there is no gain over " + options.baseline + " to explain: " + amount(gain, row.gain_p, minimize);
  const std::string start = "the gain over " + options.baseline + ", " + amount(gain, row.gain_p, minimize);
  const std::string left = ": against the control it is " + amount(rest, row.p_adjusted, minimize);
  if (*row.survives) return start + ", survives" + left;
  return start + ", does not survive" + left +
         (better_by(rest, minimize) > 0 ? ", which chance explains" : "");
}

/// The arm's row against its control's, without p adjusted and verdict.
ControlRow against(const CompareTable& table, const CompareRow& one, const std::string& control,
                   const CompareRow* other) {
  ControlRow row{one.arm, control, one.changed, one.difference, {}, kNaN, one.p_adjusted, kNaN, {}, {}};
  const bool may = table.options.survivors || (is_complete(one) && other != nullptr && is_complete(*other));
  if (const auto pair = may && other != nullptr ? paired(one, *other) : std::nullopt) {
    row.difference = pair->comparison;
    row.deviation = pair->deviation;
  }
  return row;
}

void adjust(std::vector<ControlRow>& rows) {
  std::vector<double> p_values;
  for (const ControlRow& row : rows) p_values.push_back(row.difference ? row.difference->p_value : kNaN);
  const std::vector<double> adjusted = holm_adjusted(p_values);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].p_adjusted = adjusted[i];
}

}  // namespace

std::vector<ControlRow> compare_controls(const CompareTable& table,
                                         std::span<const std::pair<std::string, std::string>> controls) {
  std::vector<ControlRow> rows;
  std::vector<std::pair<const CompareRow*, const CompareRow*>> sides;
  for (const auto& [arm, control] : controls) {
    for (const CompareRow& one : table.rows) {
      if (one.arm != arm) continue;
      sides.emplace_back(&one, row_of(table, control, one.changed));
      rows.push_back(against(table, one, control, sides.back().second));
    }
  }
  adjust(rows);
  const bool minimize = table.options.minimize;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ControlRow& row = rows[i];
    row.verdict = silence(row, *sides[i].first, sides[i].second, table.options);
    if (!row.verdict.empty()) continue;
    row.survives =
        is_better(*row.gain, row.gain_p, minimize) && is_better(*row.difference, row.p_adjusted, minimize);
    row.verdict = verdict(row, table.options);
  }
  return rows;
}

std::string controls_text(std::span<const ControlRow> rows) {
  if (rows.empty()) return {};
  std::vector<std::vector<std::string>> table = {
      {"arm", "changed", "control", "difference", "sd", "p", "pairs"}};
  std::string sentences;
  std::size_t tests = 0;
  bool any_changed = false;
  for (const ControlRow& row : rows) {
    const std::string changed = changed_text(row.changed);
    any_changed = any_changed || !changed.empty();
    const auto& d = row.difference;
    table.push_back({row.arm, changed, row.control, d ? fixed(d->difference, "%+.4f") : "-",
                     fixed(row.deviation), p_text(row.p_adjusted), std::to_string(d ? d->n : 0)});
    tests += std::isnan(row.p_adjusted) ? 0 : 1;
    sentences += row.arm + (changed.empty() ? "" : " " + changed) + ": " + row.verdict + "\n";
  }
  if (!any_changed) table.front()[1].clear();
  if (tests == 0)
    for (auto& cells : table) cells[5].clear();
  return "against their controls, which size steps as the rescaled weights would and scale none" +
         (tests > 1 ? "; p adjusted by Holm for these " + std::to_string(tests) : std::string()) + "\n\n" +
         aligned(table, 3) + "\n" + sentences;
}

std::string controls_json(std::span<const ControlRow> rows) {
  std::string text;
  for (const ControlRow& row : rows) {
    core::Json line = label_json(row.arm, row.changed);
    line["control"] = row.control;
    if (row.difference) add_paired(line, {*row.difference, row.deviation}, row.p_adjusted);
    line["survives"] = row.survives ? core::Json(*row.survives) : core::Json();
    line["verdict"] = row.verdict;
    text += core::json_line(line);
  }
  return text;
}

}  // namespace isorbit::analysis
