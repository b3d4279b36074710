#include "analysis/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "analysis/comparable.hpp"
#include "analysis/same_run.hpp"
#include "core/record/unreadable.hpp"

namespace isorbit::analysis {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Changed = std::vector<std::pair<std::string, std::string>>;

Changed without_tuning(const Changed& changed) {
  Changed rest = changed;
  std::erase_if(rest, [](const auto& value) { return value.first.starts_with("method."); });
  return rest;
}

/// The last value of <series>/<column>.
double metric_of(const core::RunRecord& record, const std::string& metric) {
  const std::size_t slash = metric.rfind('/');
  const core::Series& series = record.at(metric.substr(0, slash));
  const std::vector<double> values = series.at(metric.substr(slash + 1)).doubles();
  if (values.empty()) throw std::runtime_error("the record has no row of " + metric);
  return values.back();
}

CompareRow row_of(const CompareTable& table, const RunLabel& label) {
  CompareRow row;
  row.arm = label.arm;
  row.changed = label.changed;
  row.values.resize(table.seeds.size());
  row.states.resize(table.seeds.size());
  row.instead.assign(table.seeds.size(), "no cell");
  row.unigram_entropy = label.unigram_entropy;
  row.basis = label.basis;
  return row;
}

/// The value of a run, or why it has none.
std::optional<double> value_of(const LabelledRun& run, const std::string& metric, MissingRun& missing) {
  const RunState& state = run.label.state;
  missing = {run.label, state.happened, state.reason, state.name == "unknown"};
  if (state.name != "done" || !run.load) return std::nullopt;
  core::RunRecord record;
  try {
    record = run.load();
  } catch (const std::exception& error) {
    missing.unknown = core::is_unreadable(error);
    missing.instead = missing.unknown ? "cannot tell" : "damaged";
    missing.reason = error.what();
    return std::nullopt;
  }
  try {
    return metric_of(record, metric);
  } catch (const std::runtime_error& error) {
    missing.instead = "not recorded";
    missing.reason = error.what();
    return std::nullopt;
  }
}

/// Complete before incomplete, then the better mean; a mean that is no number is last.
bool better(const CompareRow& a, const CompareRow& b, bool minimize) {
  if (is_complete(a) != is_complete(b)) return is_complete(a);
  if (std::isnan(a.summary.mean) || std::isnan(b.summary.mean))
    return std::isnan(b.summary.mean) && !std::isnan(a.summary.mean);
  return minimize ? a.summary.mean < b.summary.mean : a.summary.mean > b.summary.mean;
}

/// Rows of the baseline by their values, but for tuning.
using Settings = std::map<Changed, std::vector<std::size_t>>;

Settings settings_of_baseline(const CompareTable& table) {
  Settings out;
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    if (table.rows[i].arm == table.options.baseline) out[without_tuning(table.rows[i].changed)].push_back(i);
  return out;
}

/// The names of tuned values that are not the same in all of these rows.
std::vector<std::string> names_that_differ(const CompareTable& table, std::span<const std::size_t> settings) {
  std::vector<std::string> names;
  for (const std::size_t i : settings)
    for (const auto& value : table.rows[i].changed) {
      const auto has_it = [&](std::size_t other) {
        const Changed& changed = table.rows[other].changed;
        return std::ranges::find(changed, value) != changed.end();
      };
      if (!std::ranges::all_of(settings, has_it) && std::ranges::find(names, value.first) == names.end())
        names.push_back(value.first);
    }
  return names;
}

void fill(CompareTable& table, std::span<const LabelledRun> runs) {
  std::map<std::pair<std::string, Changed>, std::size_t> known;
  for (const LabelledRun& run : runs) {
    const auto [place, is_new] = known.try_emplace({run.label.arm, run.label.changed}, table.rows.size());
    if (is_new) table.rows.push_back(row_of(table, run.label));
    CompareRow& row = table.rows[place->second];
    const auto at =
        static_cast<std::size_t>(std::ranges::lower_bound(table.seeds, run.label.seed) - table.seeds.begin());
    ++row.cells;
    row.states[at] = run.label.state.name;
    row.runs.push_back(run.label);
    MissingRun missing;
    row.values[at] = value_of(run, table.options.metric, missing);
    row.instead[at] = row.values[at] ? "" : missing.instead;
    if (!row.values[at]) table.missing.push_back(std::move(missing));
  }
}

void sum_up(const CompareTable& table, CompareRow& row) {
  std::vector<double> values;
  for (const auto& value : row.values)
    if (value) values.push_back(*value);
  row.summary = {values.size(), kNaN, kNaN, kNaN, kNaN};
  if (is_complete(row) || table.options.survivors) row.summary = summarize(values);
  row.perplexity = table.options.metric.ends_with("/loss") ? std::exp(row.summary.mean) : kNaN;
  row.difference_deviation = row.p_adjusted = kNaN;
}

/// Chooses the reference of a row and takes the difference to it, or says why there is none.
void refer(CompareTable& table, CompareRow& row, const Settings& all) {
  const auto found = all.find(without_tuning(row.changed));
  if (found == all.end()) {
    row.no_difference = "no " + table.options.baseline;
    return;
  }
  const std::vector<std::size_t>& settings = found->second;
  const CompareRow& best = table.rows[*std::ranges::min_element(settings, [&](std::size_t a, std::size_t b) {
    return better(table.rows[a], table.rows[b], table.options.minimize);
  })];
  if (&best == &row) {
    row.is_reference = true;
    row.best_of = settings.size();
    row.tuned = names_that_differ(table, settings);
    return;
  }
  row.notes = also_differs(row.basis, best.basis);
  if (std::ranges::equal(row.runs, best.runs, is_same_run)) {
    row.same_as = same_run_text(row.runs.front(), best.runs.front());
    row.same_document = row.runs.front().cell_id == best.runs.front().cell_id;
  }
  row.no_difference = obstacle(row.basis, best.basis, table.options.metric);
  if (!row.no_difference.empty()) return;
  if (!table.options.survivors) {
    for (const CompareRow* one : {static_cast<const CompareRow*>(&row), &best})
      if (row.no_difference.empty() && !is_complete(*one))
        row.no_difference = one->arm + " has " + seeds_text(*one);
    if (!row.no_difference.empty()) return;
  }
  for (std::size_t s = 0; s < table.seeds.size(); ++s)
    row.pairs_planned += !row.states[s].empty() && !best.states[s].empty() ? 1 : 0;
  const auto pair = paired(row, best);
  if (!pair) {
    row.no_difference = "no common seed";
    return;
  }
  row.difference = pair->comparison;
  row.difference_deviation = pair->deviation;
}

void adjust(CompareTable& table) {
  std::vector<double> p_values;
  for (const CompareRow& row : table.rows)
    p_values.push_back(row.difference ? row.difference->p_value : kNaN);
  const std::vector<double> adjusted = holm_adjusted(p_values);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    table.rows[i].p_adjusted = adjusted[i];
    table.tests += std::isnan(adjusted[i]) ? 0 : 1;
  }
}

}  // namespace

bool CompareTable::is_unknown() const { return std::ranges::any_of(missing, &MissingRun::unknown); }

bool is_complete(const CompareRow& row) {
  const auto there = std::ranges::count_if(row.values, [](const auto& v) { return v.has_value(); });
  return static_cast<std::size_t>(there) == row.cells;
}

std::string seeds_text(const CompareRow& row) {
  return std::to_string(row.summary.n) + " of " + std::to_string(row.cells) +
         (row.cells == 1 ? " seed" : " seeds");
}

std::optional<Paired> paired(const CompareRow& a, const CompareRow& b) {
  std::vector<double> of_a, of_b;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (!a.values[i] || !b.values[i]) continue;
    of_a.push_back(*a.values[i]);
    of_b.push_back(*b.values[i]);
  }
  if (of_a.empty()) return std::nullopt;
  Paired out{paired_t_test(of_a, of_b), standard_deviation(paired_differences(of_a, of_b))};
  if (out.comparison.n < kLeastPairs || of_a == of_b)
    out.comparison.t = out.comparison.p_value = out.comparison.low = out.comparison.high = kNaN;
  return out;
}

CompareTable compare(std::span<const LabelledRun> runs, const CompareOptions& options) {
  CompareTable table{options, {}, {}, {}, runs.size(), 0};
  const auto seeds = [&] {
    std::set<std::int64_t> all;
    for (const LabelledRun& run : runs) all.insert(run.label.seed);
    return all;
  }();
  table.seeds.assign(seeds.begin(), seeds.end());
  fill(table, runs);
  for (CompareRow& row : table.rows) sum_up(table, row);
  const Settings settings = settings_of_baseline(table);
  for (CompareRow& row : table.rows) refer(table, row, settings);
  adjust(table);
  return table;
}

}  // namespace isorbit::analysis
