#include "experiments/training/recorder.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>
#include <stdexcept>

#include "core/record/unreadable.hpp"
#include "experiments/training/record_row.hpp"

namespace isorbit::experiments {

namespace {

using core::Column;
using core::Json;

/// The column's vector of T, made with unit and name at first use.
template <class T>
std::vector<T>& column(core::Series& series, const std::string& name, const char* unit,
                       const char* long_name) {
  for (Column& c : series.columns) {
    if (c.name == name) return std::get<std::vector<T>>(c.values);
  }
  series.columns.push_back({name, std::vector<T>{}, unit, long_name});
  return std::get<std::vector<T>>(series.columns.back().values);
}

void add(core::RunRecord& record, const RecordRow& row) {
  core::Series& s = record.series_at(row.series);
  for (const RecordValue& v : row.values)
    std::visit([&]<class T>(const T& value) { column<T>(s, v.column, v.unit, v.long_name).push_back(value); },
               v.value);
}

void add_spectrum(core::RunRecord& record, const Json& row) {
  const auto parameter = row.at("parameter").get<std::string>();
  const std::vector<float> values = core::unpack_floats(row.at("singular_values"));
  auto at =
      std::ranges::find_if(record.spectra, [&](const core::Spectrum& s) { return s.parameter == parameter; });
  if (at == record.spectra.end()) {
    const auto shape = row.at("shape").get<std::vector<std::int64_t>>();
    at = record.spectra.insert(
        at, {parameter, {}, values.size(), {}, shape, "LAPACK in double, of the realized weight"});
  }
  core::Spectrum& s = *at;
  s.steps.push_back(row.at("step").get<std::int64_t>());
  s.values.insert(s.values.end(), values.begin(), values.end());
}

void add_replay(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at("replay");
  column<std::int64_t>(s, "step", "1", "finished updates").push_back(row.at("step").get<std::int64_t>());
  column<std::string>(s, "link", "", "checksum of the link before, the loss and every stored tensor")
      .push_back(row.at("link").get<std::string>());
  column<std::string>(s, "digests", "", "four hexadecimal digits a tensor, in the order of replay/tensor")
      .push_back(row.at("digests").get<std::string>());
}

void add_replay_tensors(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at("replay/tensor");
  const auto names = row.at("names").get<std::vector<std::string>>();
  std::vector<std::int64_t> items(names.size());
  std::iota(items.begin(), items.end(), 0);
  column<std::int64_t>(s, "item", "1", "place in a row of digests") = std::move(items);
  column<std::string>(s, "name", "", "of a weight, or of a coordinate of one") = names;
}

Json json_of(const core::Series& series) {
  Json columns = Json::array();
  for (const Column& c : series.columns) {
    Json column = {{"name", c.name}, {"unit", c.unit}, {"long_name", c.long_name}};
    if (const auto* doubles = std::get_if<std::vector<double>>(&c.values))
      column["doubles"] = core::pack_doubles(*doubles);
    else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&c.values))
      column["integers"] = *integers;
    else
      column["texts"] = std::get<std::vector<std::string>>(c.values);
    columns.push_back(std::move(column));
  }
  return {{"path", series.path}, {"columns", std::move(columns)}};
}

core::Series series_of(const Json& json) {
  core::Series series{json.at("path").get<std::string>(), {}};
  for (const Json& c : json.at("columns")) {
    core::Values values;
    if (c.contains("doubles"))
      values = core::unpack_doubles(c.at("doubles"));
    else if (c.contains("integers"))
      values = c.at("integers").get<std::vector<std::int64_t>>();
    else
      values = c.at("texts").get<std::vector<std::string>>();
    const auto text = [&](const char* key) { return c.at(key).get<std::string>(); };
    series.columns.push_back({text("name"), std::move(values), text("unit"), text("long_name")});
  }
  return series;
}

bool has_end(std::span<const Json> rows) {
  return !rows.empty() && rows.back().is_object() && rows.back().value("t", "") == "end";
}

/// What the rows say; without config and provenance where there is no end.
core::RunRecord record_from(std::span<const Json> rows, const std::filesystem::path& journal) {
  try {
    core::RunRecord record;
    std::vector<std::string> groups;
    for (const Json& row : rows) {
      if (std::optional<std::vector<std::string>> names = group_names(row)) groups = std::move(*names);
      if (row.at("t") == "spectrum") add_spectrum(record, row);
      if (row.at("t") == "replay") add_replay(record, row);
      if (row.at("t") == "replay_tensors") add_replay_tensors(record, row);
      if (const std::optional<RecordRow> recorded = record_row(row, groups)) add(record, *recorded);
    }
    if (!has_end(rows)) return record;
    const Json& end = rows.back();
    record.schema_version = end.value("schema_version", std::int64_t{1});
    record.config = end.at("config").get<std::string>();
    record.provenance = end.at("provenance").get<std::map<std::string, std::string>>();
    for (const Json& series : end.at("series")) record.series.push_back(series_of(series));
    return record;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    if (core::is_unreadable(error)) throw;
    throw std::runtime_error(journal.string() + ": holds a row that is none of a run's: " + error.what());
  }
}

}  // namespace

Recorder::Recorder(std::filesystem::path folder, std::optional<std::int64_t> resumed_from,
                   std::span<const Json> kept)
    : folder_(std::move(folder)), resumed_from_(resumed_from) {
  const std::filesystem::path journal = journal_path(folder_);
  if (core::is_there(journal))
    throw std::runtime_error(journal.string() +
                             ": is there already; an attempt's folder is for one process life");
  core::Journal::write(journal, kept);
  journal_ = std::make_unique<core::Journal>(journal);
}

void Recorder::append(Json row) {
  if (journal_) journal_->append(row);
  if (watcher_) watcher_(row);
  if (live_) live_->push(std::move(row));
}

void Recorder::show_live(std::function<void(const std::string&)> note) {
  live_ = std::make_unique<LiveLog>(live_path(folder_), core::Journal::read(journal_path(folder_)).rows,
                                    std::move(note));
}

void Recorder::train(std::int64_t step, double loss, std::span<const double> rates, double grad_norm,
                     std::int64_t tokens, double seconds) {
  append({{"t", "train"},
          {"step", step},
          {"loss", loss},
          {"learning_rate", std::vector<double>(rates.begin(), rates.end())},
          {"grad_norm", grad_norm},
          {"tokens", tokens},
          {"seconds", seconds}});
}

void Recorder::valid(std::int64_t step, double loss, double bits_per_byte) {
  Json row{{"t", "valid"}, {"step", step}, {"loss", loss}};
  if (!std::isnan(bits_per_byte)) row["bits_per_byte"] = bits_per_byte;
  append(std::move(row));
}

void Recorder::spectrum(std::int64_t step, const std::string& parameter, std::span<const std::int64_t> shape,
                        std::span<const double> singular_values) {
  const std::vector<float> rounded(singular_values.begin(), singular_values.end());
  append({{"t", "spectrum"},
          {"step", step},
          {"parameter", parameter},
          {"shape", std::vector<std::int64_t>(shape.begin(), shape.end())},
          {"singular_values", core::pack_floats(rounded)}});
}

void Recorder::measures(std::int64_t step, const std::string& series,
                        const std::map<std::string, double>& values) {
  append({{"t", "measure"}, {"step", step}, {"series", series}, {"values", values}});
}

void Recorder::event(const EventRow& row) {
  append({{"t", "event"},
          {"step", row.step},
          {"kind", row.kind},
          {"parameter", row.parameter},
          {"factor", row.factor},
          {"defect", row.defect},
          {"bound", row.bound},
          {"before", row.before},
          {"after", row.after},
          {"ulp", row.ulp}});
}

void Recorder::groups(const std::vector<std::string>& names) {
  append({{"t", "groups"}, {"step", 0}, {"names", names}});
}

void Recorder::replay_tensors(const std::vector<std::string>& names) {
  append({{"t", "replay_tensors"}, {"step", 0}, {"names", names}});
}

void Recorder::replay(std::int64_t step, const std::string& link, const std::string& digests) {
  append({{"t", "replay"}, {"step", step}, {"link", link}, {"digests", digests}});
}

void Recorder::segment(std::int64_t start_step, double start_time, const std::string& cell_id) {
  append({{"t", "segment"},
          {"start_step", start_step},
          {"resumed_from", resumed_from_.value_or(-1)},
          {"start_time", start_time},
          {"cell", cell_id}});
}

void Recorder::end(std::int64_t step, const std::string& config,
                   const std::map<std::string, std::string>& provenance, std::span<const core::Series> more) {
  Json series = Json::array();
  for (const core::Series& s : more) series.push_back(json_of(s));
  journal_->append({{"t", "end"},
                    {"step", step},
                    {"schema_version", core::kSchemaVersion},
                    {"config", config},
                    {"provenance", provenance},
                    {"series", std::move(series)}});
  journal_->sync();
  journal_.reset();
  live_.reset();
}

std::optional<core::RunRecord> Recorder::record_of(const std::filesystem::path& folder) {
  const std::vector<Json> rows = core::Journal::read(journal_path(folder)).rows;
  if (!has_end(rows)) return {};
  return record_from(rows, journal_path(folder));
}

core::RunRecord Recorder::so_far(const std::filesystem::path& folder) {
  return record_from(core::Journal::read(journal_path(folder)).rows, journal_path(folder));
}

}  // namespace isorbit::experiments
