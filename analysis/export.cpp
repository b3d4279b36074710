#include "analysis/export.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <ostream>
#include <stdexcept>
#include <unordered_map>

namespace isorbit::analysis {
namespace {

template <class Float>
std::string shortest_of(Float value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string value_at(const core::Values& values, std::size_t row) {
  if (const auto* doubles = std::get_if<std::vector<double>>(&values)) return shortest((*doubles)[row]);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values))
    return std::to_string((*integers)[row]);
  return quoted(std::get<std::vector<std::string>>(values)[row]);
}

/// Calls visit(series, step, value) for everything in a record but its checksums, series by series; a table
/// of items has the item in place of the step.
template <class Visit>
void for_each_value(const core::RunRecord& record, const Visit& visit) {
  for (const core::Series& series : record.series) {
    if (series.columns.empty() || series.path == "replay" || series.path == "replay/tensor") continue;
    const core::Column& axis = series.columns.front();
    for (std::size_t c = 1; c < series.columns.size(); ++c) {
      const std::string name = series.path + "/" + series.columns[c].name;
      for (std::size_t row = 0; row < axis.size(); ++row)
        visit(name, value_at(axis.values, row), value_at(series.columns[c].values, row));
    }
  }
  for (const core::Spectrum& spectrum : record.spectra) {
    for (std::size_t k = 0; k < spectrum.rank; ++k) {
      const std::string name = "spectrum/" + spectrum.parameter + "/" + std::to_string(k);
      for (std::size_t t = 0; t < spectrum.steps.size(); ++t)
        visit(name, std::to_string(spectrum.steps[t]), shortest(spectrum.values[t * spectrum.rank + k]));
    }
  }
}

std::vector<std::string> changed_names(std::span<const LabelledRun> runs) {
  std::vector<std::string> names;
  for (const LabelledRun& run : runs)
    for (const auto& [name, value] : run.label.changed)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

/// "cell_id,arm,seed,<changed values>," of one run.
std::string prefix_of(const RunLabel& label, const std::vector<std::string>& names) {
  std::string prefix = label.cell_id + "," + quoted(label.arm) + "," + std::to_string(label.seed) + ",";
  for (const std::string& name : names) {
    const auto it = std::find_if(label.changed.begin(), label.changed.end(),
                                 [&](const auto& value) { return value.first == name; });
    prefix += (it == label.changed.end() ? "" : quoted(it->second)) + ",";
  }
  return prefix;
}

std::string header_of(const std::vector<std::string>& names) {
  std::string header = "cell_id,arm,seed,";
  for (const std::string& name : names) header += quoted(name) + ",";
  return header;
}

void write_long(std::span<const LabelledRun> runs, std::ostream& out) {
  const std::vector<std::string> names = changed_names(runs);
  out << header_of(names) << "series,step,value\n";
  for (const LabelledRun& run : runs) {
    if (!run.load) continue;
    const std::string prefix = prefix_of(run.label, names);
    for_each_value(run.load(),
                   [&](const std::string& series, const std::string& step, const std::string& value) {
                     out << prefix << quoted(series) << ',' << step << ',' << value << '\n';
                   });
  }
}

/// Of a record, for one row a step: without its tables of items.
core::RunRecord over_steps(core::RunRecord record) {
  std::erase_if(record.series, [](const core::Series& series) {
    return !series.columns.empty() && series.columns.front().name == "item";
  });
  return record;
}

/// Series of all records in order of first appearance.
std::vector<std::string> series_names(std::span<const LabelledRun> runs) {
  std::vector<std::string> names;
  std::unordered_map<std::string, bool> known;
  for (const LabelledRun& run : runs) {
    if (!run.load) continue;
    for_each_value(over_steps(run.load()),
                   [&](const std::string& series, const std::string&, const std::string&) {
                     if (known.emplace(series, true).second) names.push_back(series);
                   });
  }
  return names;
}

void write_wide(std::span<const LabelledRun> runs, std::ostream& out) {
  const std::vector<std::string> names = changed_names(runs), series = series_names(runs);
  std::unordered_map<std::string, std::size_t> column;
  for (const std::string& name : series) column.emplace(name, column.size());
  out << header_of(names) << "step";
  for (const std::string& name : series) out << ',' << quoted(name);
  out << '\n';
  for (const LabelledRun& run : runs) {
    if (!run.load) continue;
    const std::string prefix = prefix_of(run.label, names);
    // Rows by (step, how many rows of the series stand at this step already); cells by column.
    std::map<std::pair<std::int64_t, std::size_t>, std::map<std::size_t, std::string>> rows;
    std::map<std::pair<std::size_t, std::int64_t>, std::size_t> seen;
    for_each_value(over_steps(run.load()),
                   [&](const std::string& name, const std::string& step, const std::string& value) {
                     const std::int64_t at = std::stoll(step);
                     const std::size_t c = column.at(name);
                     rows[{at, seen[{c, at}]++}][c] = value;
                   });
    for (const auto& [key, cells] : rows) {
      out << prefix << key.first;
      std::size_t c = 0;
      for (const auto& [at, value] : cells) {
        for (; c <= at; ++c) out << ',';
        out << value;
      }
      for (; c < series.size(); ++c) out << ',';
      out << '\n';
    }
  }
}

}  // namespace

std::string shortest(double value) { return shortest_of(value); }
std::string shortest(float value) { return shortest_of(value); }

void export_csv(std::span<const LabelledRun> runs, CsvShape shape, std::ostream& out) {
  if (shape == CsvShape::tall)
    write_long(runs, out);
  else
    write_wide(runs, out);
  out.flush();
  if (!out) throw std::runtime_error("writing the CSV failed: the disk is full or the reader went away");
}

}  // namespace isorbit::analysis
