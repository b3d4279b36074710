#include "analysis/controls.hpp"

#include <cmath>
#include <limits>

#include "analysis/text.hpp"
#include "core/document/json_line.hpp"

namespace isorbit::analysis {
namespace {

constexpr double kLevel = 0.05;

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

bool is_better(const Comparison& difference, bool minimize) {
  return better_by(difference, minimize) > 0 && difference.p_value < kLevel;
}

/// "0.0073 (p 0.0354)"
std::string amount(const Comparison& difference, bool minimize) {
  return fixed(better_by(difference, minimize)) + " (p " + p_text(difference.p_value) + ")";
}

std::string verdict(const ControlRow& row, const CompareOptions& options, bool other_model) {
  const bool minimize = options.minimize;
  if (row.arm == options.baseline) return "it is the baseline";
  if (other_model) return "nothing to say: it trains another model than " + options.baseline;
  if (!row.gain || !row.difference)
    return std::string("nothing to say: no seed has finished in it and in ") +
           (row.gain ? row.control : options.baseline);
  const Comparison &gain = *row.gain, &rest = *row.difference;
  if (gain.n < 2 || rest.n < 2) return "nothing to say: one pair is no test";
  if (!is_better(gain, minimize))
    return "there is no gain over " + options.baseline + " to explain: " + amount(gain, minimize);
  const std::string start = "the gain over " + options.baseline + ", " + amount(gain, minimize);
  if (row.survives) return start + ", survives: against the control it is " + amount(rest, minimize);
  return start + ", does not survive: against the control it is " + amount(rest, minimize) +
         (better_by(rest, minimize) > 0 ? ", which chance explains" : "");
}

}  // namespace

std::vector<ControlRow> compare_controls(const CompareTable& table,
                                         std::span<const std::pair<std::string, std::string>> controls) {
  std::vector<ControlRow> rows;
  const CompareOptions& options = table.options;
  for (const auto& [arm, control] : controls) {
    for (const CompareRow& one : table.rows) {
      if (one.arm != arm) continue;
      ControlRow row{arm, control, one.changed, one.difference, {}, 0, false, {}};
      row.deviation = std::numeric_limits<double>::quiet_NaN();
      if (const CompareRow* other = row_of(table, control, one.changed)) {
        if (const auto pair = paired(one, *other)) {
          row.difference = pair->comparison;
          row.deviation = pair->deviation;
        }
      }
      row.survives = row.gain && row.difference && is_better(*row.gain, options.minimize) &&
                     is_better(*row.difference, options.minimize);
      row.verdict = verdict(row, options, one.other_model);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string controls_text(std::span<const ControlRow> rows) {
  if (rows.empty()) return {};
  std::vector<std::vector<std::string>> table = {
      {"arm", "changed", "control", "difference", "sd", "p", "pairs"}};
  std::string sentences;
  bool any_changed = false;
  for (const ControlRow& row : rows) {
    const std::string changed = changed_text(row.changed);
    any_changed = any_changed || !changed.empty();
    const auto& d = row.difference;
    table.push_back({row.arm, changed, row.control, d ? fixed(d->difference, "%+.4f") : "-",
                     fixed(row.deviation), d ? p_text(d->p_value) : "-", std::to_string(d ? d->n : 0)});
    sentences += row.arm + (changed.empty() ? "" : " " + changed) + ": " + row.verdict + "\n";
  }
  if (!any_changed) table.front()[1].clear();
  return "against their controls, which size steps as the rescaled weights would and scale none\n\n" +
         aligned(table, 3) + "\n" + sentences;
}

std::string controls_json(std::span<const ControlRow> rows) {
  std::string text;
  for (const ControlRow& row : rows) {
    core::Json line = label_json(row.arm, row.changed);
    line["control"] = row.control;
    if (row.difference) add_paired(line, {*row.difference, row.deviation});
    line["survives"] = row.survives;
    line["verdict"] = row.verdict;
    text += core::json_line(line);
  }
  return text;
}

}  // namespace isorbit::analysis
