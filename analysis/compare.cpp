#include "analysis/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

CompareRow& row_of(CompareTable& table, const RunLabel& label) {
  for (CompareRow& row : table.rows)
    if (row.arm == label.arm && row.changed == label.changed) return row;
  CompareRow row;
  row.arm = label.arm;
  row.changed = label.changed;
  row.values.resize(table.seeds.size());
  row.unigram_entropy = label.unigram_entropy;
  row.model = label.model;
  table.rows.push_back(std::move(row));
  return table.rows.back();
}

bool complete(const CompareRow& row) {
  return std::all_of(row.values.begin(), row.values.end(), [](const auto& v) { return v.has_value(); });
}

/// Complete before incomplete, then the better mean; a mean that is no number is last.
bool better(const CompareRow& a, const CompareRow& b, bool minimize) {
  if (complete(a) != complete(b)) return complete(a);
  if (std::isnan(a.summary.mean) || std::isnan(b.summary.mean))
    return std::isnan(b.summary.mean) && !std::isnan(a.summary.mean);
  return minimize ? a.summary.mean < b.summary.mean : a.summary.mean > b.summary.mean;
}

std::size_t reference_of(const CompareTable& table, const CompareRow& row) {
  std::size_t best = table.rows.size();
  const Changed context = without_tuning(row.changed);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const CompareRow& other = table.rows[i];
    if (other.arm != table.options.baseline || without_tuning(other.changed) != context) continue;
    if (best == table.rows.size() || better(other, table.rows[best], table.options.minimize)) best = i;
  }
  return best;
}

}  // namespace

std::optional<Paired> paired(const CompareRow& a, const CompareRow& b) {
  std::vector<double> of_a, of_b;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (!a.values[i] || !b.values[i]) continue;
    of_a.push_back(*a.values[i]);
    of_b.push_back(*b.values[i]);
  }
  if (of_a.empty()) return std::nullopt;
  return Paired{paired_t_test(of_a, of_b), standard_deviation(paired_differences(of_a, of_b))};
}

CompareTable compare(std::span<const LabelledRun> runs, const CompareOptions& options) {
  CompareTable table{options, {}, {}, {}};
  for (const LabelledRun& run : runs) table.seeds.push_back(run.label.seed);
  std::sort(table.seeds.begin(), table.seeds.end());
  table.seeds.erase(std::unique(table.seeds.begin(), table.seeds.end()), table.seeds.end());
  for (const LabelledRun& run : runs) {
    CompareRow& row = row_of(table, run.label);
    if (!run.load) {
      table.missing.push_back({run.label, "not complete"});
      continue;
    }
    const auto seed = std::lower_bound(table.seeds.begin(), table.seeds.end(), run.label.seed);
    try {
      row.values[static_cast<std::size_t>(seed - table.seeds.begin())] =
          metric_of(run.load(), options.metric);
    } catch (const std::runtime_error& error) {
      table.missing.push_back({run.label, error.what()});
    }
  }
  const bool loss = options.metric.ends_with("/loss");
  for (CompareRow& row : table.rows) {
    std::vector<double> values;
    for (const auto& value : row.values)
      if (value) values.push_back(*value);
    row.summary = summarize(values);
    row.perplexity = loss ? std::exp(row.summary.mean) : kNaN;
    row.difference_deviation = kNaN;
  }
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::size_t reference = reference_of(table, table.rows[i]);
    if (reference == i) table.rows[i].is_reference = true;
    if (reference == i || reference == table.rows.size()) continue;
    table.rows[i].other_model = table.rows[i].model != table.rows[reference].model;
    if (table.rows[i].other_model) continue;
    if (const auto pair = paired(table.rows[i], table.rows[reference])) {
      table.rows[i].difference = pair->comparison;
      table.rows[i].difference_deviation = pair->deviation;
    }
  }
  return table;
}

}  // namespace isorbit::analysis
