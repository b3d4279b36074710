#include "experiments/training/recorder.hpp"

#include <algorithm>
#include <cmath>

namespace isorbit::experiments {

namespace {

using core::Column;
using core::Json;

/// The column's vector of T, made with unit and name at first use.
template <class T>
std::vector<T>& column(core::Series& series, const std::string& name, const char* unit = "",
                       const char* long_name = "") {
  for (Column& c : series.columns) {
    if (c.name == name) return std::get<std::vector<T>>(c.values);
  }
  series.columns.push_back({name, std::vector<T>{}, unit, long_name});
  return std::get<std::vector<T>>(series.columns.back().values);
}

double number(const Json& value) { return value.is_number() ? value.get<double>() : NAN; }

void add_train(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at("train");
  column<std::int64_t>(s, "step", "1", "finished updates").push_back(row.at("step").get<std::int64_t>());
  column<double>(s, "loss", "nats", "training loss of the step's batch").push_back(number(row.at("loss")));
  const Json& rates = row.at("learning_rate");
  for (std::size_t g = 0; g < rates.size(); ++g) {
    const std::string name = g == 0 ? "learning_rate" : "learning_rate_" + std::to_string(g);
    column<double>(s, name, "1", "learning rate of the method's group, in order").push_back(number(rates[g]));
  }
  column<double>(s, "grad_norm", "1", "Euclidean norm of all gradients before clipping")
      .push_back(number(row.at("grad_norm")));
  column<std::int64_t>(s, "tokens", "1", "targets seen so far")
      .push_back(row.at("tokens").get<std::int64_t>());
  column<double>(s, "seconds", "s", "time spent training so far").push_back(number(row.at("seconds")));
}

void add_valid(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at("valid");
  const double loss = number(row.at("loss"));
  column<std::int64_t>(s, "step", "1", "finished updates").push_back(row.at("step").get<std::int64_t>());
  column<double>(s, "loss", "nats", "mean loss over the validation set").push_back(loss);
  column<double>(s, "perplexity", "1", "exp(loss)").push_back(std::exp(loss));
  if (row.contains("bits_per_byte")) {
    column<double>(s, "bits_per_byte", "bit", "loss per byte of text")
        .push_back(number(row.at("bits_per_byte")));
  }
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

void add_measures(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at(row.at("series").get<std::string>());
  column<std::int64_t>(s, "step", "1", "finished updates").push_back(row.at("step").get<std::int64_t>());
  for (const auto& [name, value] : row.at("values").items())
    column<double>(s, name, "1").push_back(number(value));
}

void add_event(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at("event");
  column<std::int64_t>(s, "step", "1", "finished updates").push_back(row.at("step").get<std::int64_t>());
  column<std::string>(s, "kind").push_back(row.at("kind").get<std::string>());
  column<std::string>(s, "parameter").push_back(row.at("parameter").get<std::string>());
  const std::pair<const char*, const char*> numbers[] = {
      {"factor", "of the whole tensor; NaN where rows or columns have several"},
      {"defect", "what moved that should have stayed: singular values, or logits"},
      {"bound", "what the defect might have been"},
      {"before", "ratio of norms of weights scaled against each other, before"},
      {"after", "the same, after"},
      {"ulp", "move of the logits in units in the last place of the largest"}};
  for (const auto& [name, what] : numbers)
    column<double>(s, name, "1", what).push_back(row.contains(name) ? number(row.at(name)) : NAN);
}

void add_segment(core::RunRecord& record, const Json& row) {
  core::Series& s = record.series_at("segment");
  column<std::int64_t>(s, "start_step", "1", "finished updates when the process began")
      .push_back(row.at("start_step").get<std::int64_t>());
  column<std::int64_t>(s, "resumed_from", "1", "step of the checkpoint; -1: none")
      .push_back(row.at("resumed_from").get<std::int64_t>());
  column<double>(s, "start_time", "s", "seconds since 1970").push_back(number(row.at("start_time")));
}

}  // namespace

Recorder::Recorder(std::filesystem::path folder, std::optional<std::int64_t> resumed_from)
    : folder_(std::move(folder)), resumed_from_(resumed_from) {
  const std::filesystem::path journal = journal_path(folder_);
  if (resumed_from && std::filesystem::exists(journal)) {
    core::Journal::truncate_after(journal, *resumed_from);
  } else {
    std::filesystem::remove(journal);
  }
  journal_ = std::make_unique<core::Journal>(journal);
}

void Recorder::append(const Json& row) {
  journal_->append(row);
  if (watcher_) watcher_(row);
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
  append(row);
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

void Recorder::segment(std::int64_t start_step, double start_time) {
  append({{"t", "segment"},
          {"start_step", start_step},
          {"resumed_from", resumed_from_.value_or(-1)},
          {"start_time", start_time}});
}

void Recorder::seal(const std::string& config, const std::map<std::string, std::string>& provenance,
                    std::vector<core::Series> more) {
  journal_->sync();
  core::RunRecord record;
  record.config = config;
  record.provenance = provenance;
  for (const Json& row : core::Journal::read(journal_path(folder_)).rows) {
    const auto kind = row.at("t").get<std::string>();
    if (kind == "train") add_train(record, row);
    if (kind == "valid") add_valid(record, row);
    if (kind == "spectrum") add_spectrum(record, row);
    if (kind == "measure") add_measures(record, row);
    if (kind == "event") add_event(record, row);
    if (kind == "segment") add_segment(record, row);
  }
  for (core::Series& series : more) record.series.push_back(std::move(series));
  core::write_run(run_path(folder_), record);
  journal_.reset();
  std::filesystem::remove(journal_path(folder_));
}

}  // namespace isorbit::experiments
