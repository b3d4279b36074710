#include "analysis/record_columns.hpp"

#include <stdexcept>

#include "analysis/csv.hpp"

namespace isorbit::analysis {
namespace {

/// The last step of the series that a table of items lies in.
std::optional<std::int64_t> step_of_items(const core::RunRecord& record, const core::Series& items) {
  const core::Series* above = record.find(items.path.substr(0, items.path.rfind('/')));
  const core::Column* step = above == nullptr ? nullptr : above->find("step");
  if (step == nullptr || step->size() == 0) return std::nullopt;
  return step->integers().back();
}

bool has_items(const core::Series& series) { return series.columns.front().name == "item"; }

}  // namespace

RecordColumn::RecordColumn(const core::Series& of, const core::Column& data, std::optional<std::int64_t> step)
    : series(of.path),
      column(data.name),
      unit(data.unit),
      axis_(&of.columns.front()),
      data_(&data),
      step_(step) {}

RecordColumn::RecordColumn(const core::Spectrum& spectrum, std::size_t k)
    : series("spectrum/" + spectrum.parameter),
      column("singular_value"),
      unit("1"),
      spectrum_(&spectrum),
      k_(k) {}

std::string RecordColumn::full_name() const { return spectrum_ ? series + "/" + std::to_string(k_) : name(); }

std::size_t RecordColumn::rows() const { return spectrum_ ? spectrum_->steps.size() : data_->size(); }

bool RecordColumn::is_text() const {
  return spectrum_ == nullptr && std::holds_alternative<std::vector<std::string>>(data_->values);
}

bool RecordColumn::is_over_steps() const { return spectrum_ != nullptr || axis_->name == "step"; }

std::optional<std::int64_t> RecordColumn::step(std::size_t row) const {
  if (spectrum_) return spectrum_->steps[row];
  return axis_->name == "item" ? step_ : axis_->integers()[row];
}

std::optional<std::int64_t> RecordColumn::index(std::size_t row) const {
  if (spectrum_) return static_cast<std::int64_t>(k_);
  if (axis_->name == "item") return axis_->integers()[row];
  return std::nullopt;
}

std::string RecordColumn::value(std::size_t row) const {
  if (spectrum_) return shortest(spectrum_->values[row * spectrum_->rank + k_]);
  if (const auto* doubles = std::get_if<std::vector<double>>(&data_->values))
    return shortest((*doubles)[row]);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&data_->values))
    return std::to_string((*integers)[row]);
  return std::get<std::vector<std::string>>(data_->values)[row];
}

void for_each_column(const core::RunRecord& record, const std::function<void(const RecordColumn&)>& visit) {
  for (const core::Series& series : record.series) {
    if (series.columns.empty() || series.path == "event" || series.path == "replay" ||
        series.path == "replay/tensor")
      continue;
    const auto step = has_items(series) ? step_of_items(record, series) : std::nullopt;
    for (std::size_t c = 1; c < series.columns.size(); ++c) {
      if (series.columns[c].size() != series.columns.front().size())
        throw std::runtime_error(
            "series " + series.path + ": found " + std::to_string(series.columns[c].size()) + " rows of " +
            series.columns[c].name + "; expected " + std::to_string(series.columns.front().size()));
      visit({series, series.columns[c], step});
    }
  }
  for (const core::Spectrum& spectrum : record.spectra)
    for (std::size_t k = 0; k < spectrum.rank; ++k) visit({spectrum, k});
}

}  // namespace isorbit::analysis
