#include "analysis/export.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "analysis/csv.hpp"
#include "analysis/record_columns.hpp"
#include "analysis/series_name.hpp"
#include "core/passes/name_glob.hpp"

namespace isorbit::analysis {
namespace {

std::string text_of(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : std::string();
}

class Exporter {
 public:
  Exporter(std::span<const LabelledRun> runs, const ExportOptions& options, std::ostream& out)
      : runs_(runs), options_(options), out_(out) {
    for (const LabelledRun& run : runs)
      for (const auto& [name, value] : run.label.changed)
        if (std::ranges::find(changed_, name) == changed_.end()) changed_.push_back(name);
  }

  Exported run() {
    switch (options_.table) {
      case CsvTable::values:
        values();
        break;
      case CsvTable::steps:
        steps();
        break;
      case CsvTable::events:
        events();
        break;
      case CsvTable::texts:
        texts();
        break;
    }
    if (fitting_) there_.clear();
    return {std::move(unread_), {there_.begin(), there_.end()}};
  }

 private:
  std::string cell(std::string_view text) const { return csv_cell(text, options_.spreadsheet); }

  void header(const std::string& columns) {
    if (has_header_) return;
    has_header_ = true;
    out_ << "cell,arm,seed,";
    for (const std::string& name : changed_) out_ << cell(name) << ',';
    out_ << "state," << columns << '\n';
  }

  /// What every row of a run begins with.
  std::string prefix_of(const RunLabel& label) const {
    std::string prefix = label.short_id + "," + cell(label.arm) + "," + std::to_string(label.seed) + ",";
    for (const std::string& name : changed_) {
      const auto it = std::ranges::find(label.changed, name, &std::pair<std::string, std::string>::first);
      prefix += (it == label.changed.end() ? "" : cell(it->second)) + ",";
    }
    return prefix + label.state.name + ",";
  }

  /// Calls visit(prefix, record) for every run that has recorded something that can be read.
  template <class Visit>
  void for_each_run(const Visit& visit) {
    for (const LabelledRun& run : runs_) {
      const auto is_unread = [&](const Exported::Unread& u) { return u.label.cell_id == run.label.cell_id; };
      if (!run.load || std::ranges::any_of(unread_, is_unread)) continue;
      try {
        visit(prefix_of(run.label), run.load());
      } catch (const std::exception& error) {
        unread_.push_back({run.label, error.what()});
      }
    }
  }

  bool fits(const RecordColumn& column) {
    const std::string name = column.name();
    const bool fits = options_.series == "*" || core::matches(options_.series, name);
    fitting_ = fitting_ || fits;
    if (!fits && !fitting_) there_.insert(name);
    return fits;
  }

  void values() {
    const std::string columns = "series,parameter,layer,kind,index,column,step,value,unit";
    for_each_run([&](const std::string& prefix, const core::RunRecord& record) {
      for_each_column(record, [&](const RecordColumn& column) {
        if (column.is_text() || !fits(column)) return;
        header(columns);
        const SeriesName name = series_name(column.series);
        const std::string start = prefix + cell(name.series) + "," + cell(name.parameter) + "," + name.layer +
                                  "," + cell(name.kind) + ",";
        const std::string middle = "," + cell(column.column) + ",", end = "," + cell(column.unit) + "\n";
        for (std::size_t row = 0; row < column.rows(); ++row)
          out_ << start << text_of(column.index(row)) << middle << text_of(column.step(row)) << ','
               << column.value(row) << end;
      });
    });
    if (fitting_ || there_.empty()) header(columns);
  }

  void texts() {
    header("series,index,column,step,text");
    for_each_run([&](const std::string& prefix, const core::RunRecord& record) {
      for_each_column(record, [&](const RecordColumn& column) {
        if (!column.is_text()) return;
        for (std::size_t row = 0; row < column.rows(); ++row)
          out_ << prefix << cell(column.series) << ',' << text_of(column.index(row)) << ','
               << cell(column.column) << ',' << text_of(column.step(row)) << ',' << cell(column.value(row))
               << '\n';
      });
    });
  }

  /// Calls visit for the columns that a table of steps has.
  template <class Visit>
  void for_each_of_steps(const core::RunRecord& record, const Visit& visit) {
    for_each_column(record, [&](const RecordColumn& column) {
      if (column.is_over_steps() && !column.is_text() && fits(column)) visit(column);
    });
  }

  void steps() {
    std::unordered_map<std::string, std::size_t> places;
    std::string columns = "step";
    for_each_run([&](const std::string&, const core::RunRecord& record) {
      for_each_of_steps(record, [&](const RecordColumn& column) {
        if (places.emplace(column.full_name(), places.size()).second)
          columns += "," + cell(column.full_name());
      });
    });
    if (!fitting_ && !there_.empty()) return;
    header(columns);
    for_each_run([&](const std::string& prefix, const core::RunRecord& record) {
      std::map<std::int64_t, std::map<std::size_t, std::string>> rows;  // by step, then place
      for_each_of_steps(record, [&](const RecordColumn& column) {
        const std::size_t place = places.at(column.full_name());
        for (std::size_t row = 0; row < column.rows(); ++row)
          rows[*column.step(row)][place] = column.value(row);
      });
      for (const auto& [step, cells] : rows) {
        out_ << prefix << step;
        std::size_t place = 0;
        for (const auto& [at, value] : cells) {
          for (; place <= at; ++place) out_ << ',';
          out_ << value;
        }
        for (; place < places.size(); ++place) out_ << ',';
        out_ << '\n';
      }
    });
  }

  void events() {
    std::vector<std::string> numbers;  // columns behind those that name the event
    const auto is_named = [](const std::string& name) {
      return name == "step" || name == "kind" || name == "parameter";
    };
    for_each_run([&](const std::string&, const core::RunRecord& record) {
      if (const core::Series* events = record.find("event"))
        for (const core::Column& column : events->columns)
          if (!is_named(column.name) && std::ranges::find(numbers, column.name) == numbers.end())
            numbers.push_back(column.name);
    });
    std::string columns = "step,kind,parameter,layer";
    for (const std::string& name : numbers) columns += "," + cell(name);
    header(columns);
    for_each_run([&](const std::string& prefix, const core::RunRecord& record) {
      const core::Series* events = record.find("event");
      if (events == nullptr || events->columns.empty()) return;
      std::vector<RecordColumn> cells;
      for (const core::Column& column : events->columns) cells.emplace_back(*events, column, std::nullopt);
      const auto value = [&](const std::string& name, std::size_t row) {
        const auto found = std::ranges::find(cells, name, &RecordColumn::column);
        return found == cells.end() ? std::string() : found->value(row);
      };
      for (std::size_t row = 0; row < events->columns.front().size(); ++row) {
        const std::string parameter = value("parameter", row);
        out_ << prefix << value("step", row) << ',' << cell(value("kind", row)) << ',' << cell(parameter)
             << ',' << parameter_name({}, parameter).layer;
        for (const std::string& name : numbers) out_ << ',' << cell(value(name, row));
        out_ << '\n';
      }
    });
  }

  std::span<const LabelledRun> runs_;
  const ExportOptions& options_;
  std::ostream& out_;
  std::vector<std::string> changed_;
  std::vector<Exported::Unread> unread_;
  std::set<std::string> there_;  // series, as long as none fits
  bool fitting_ = false, has_header_ = false;
};

}  // namespace

Exported export_csv(std::span<const LabelledRun> runs, const ExportOptions& options, std::ostream& out) {
  Exported exported = Exporter(runs, options, out).run();
  out.flush();
  if (!out) throw std::runtime_error("writing the CSV failed: the disk is full or the reader went away");
  return exported;
}

}  // namespace isorbit::analysis
