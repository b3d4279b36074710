#include "experiments/training/result.hpp"

#include <cmath>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/json.hpp"
#include "core/document/json_integer.hpp"
#include "core/document/problem.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/own_document.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/result_check.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// The last loss of "train" or "valid"; null where there is none, or it is no number.
Json last_loss(const core::RunRecord& record, const char* series) {
  const core::Series* found = record.find(series);
  if (found == nullptr || found->find("loss") == nullptr || found->at("loss").size() == 0) return {};
  const double loss = found->at("loss").doubles().back();
  return std::isfinite(loss) ? Json(loss) : Json();
}

std::int64_t last_step(const core::RunRecord& record) {
  const core::Series* train = record.find("train");
  if (train == nullptr || train->find("step") == nullptr || train->at("step").size() == 0) return 0;
  return train->at("step").integers().back();
}

/// What the run took; null in a record that does not say.
Json cost_in(const core::RunRecord& record) {
  const auto cost = record.provenance.find("cost");
  if (cost == record.provenance.end() || !Json::accept(cost->second)) return {};
  return Json::parse(cost->second);
}

/// What result.json says of a record and weights in a folder.
Json json_of(const core::RunRecord& record, const std::filesystem::path& folder, const std::string& attempt) {
  const std::filesystem::path run = Recorder::run_path(folder), weights = weights_path(folder);
  const FileStamp run_stamp = stamp_of(run).value_or(FileStamp()),
                  weights_stamp = stamp_of(weights).value_or(FileStamp());
  const std::optional<double> started = started_of(record);
  const auto known = record.provenance.find(kWeightsDigest);
  return {{"outcome", "complete"},
          {"cell", record.provenance.at("cell_id")},
          {"attempt", attempt},
          {"step", last_step(record)},
          {"metric", last_loss(record, "valid")},
          {"loss", last_loss(record, "train")},
          {"started", started ? Json(*started) : Json()},
          {"run_sha256", core::sha256_file(run)},
          {"run_bytes", run_stamp.bytes},
          {"run_modified", run_stamp.modified},
          {"weights_sha256", known == record.provenance.end() ? core::sha256_file(weights) : known->second},
          {"weights_bytes", weights_stamp.bytes},
          {"weights_modified", weights_stamp.modified},
          {"cost", cost_in(record)}};
}

void write_json(const std::filesystem::path& file, const Json& json) {
  core::write_durably(file, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

FileStamp stamp_in(const Json& json, const std::string& of) {
  return {static_cast<std::uint64_t>(core::integer_of(json.at(of + "_bytes"))),
          core::integer_of(json.at(of + "_modified"))};
}

Result result_from(const Json& json) {
  Result out;
  out.cell = json.at("cell").get<std::string>();
  out.attempt = json.at("attempt").get<std::string>();
  out.step = core::integer_of(json.at("step"));
  out.metric = json.at("metric").is_null() ? NAN : json.at("metric").get<double>();
  if (const Json loss = json.value("loss", Json()); loss.is_number()) out.loss = loss.get<double>();
  if (json.contains("started") && !json.at("started").is_null())
    out.started = json.at("started").get<double>();
  out.run_sha256 = json.at("run_sha256").get<std::string>();
  out.run = stamp_in(json, "run");
  if (json.contains("weights_sha256")) {
    out.weights_sha256 = json.at("weights_sha256").get<std::string>();
    out.weights = stamp_in(json, "weights");
  }
  out.cost = cost_from(json.value("cost", Json()));
  if (!attempt_number(out.attempt))
    throw std::runtime_error("found \"attempt\": " + core::shown(json.at("attempt")) +
                             "; expected the name of an attempt's folder");
  return out;
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  const auto status = core::status_of(file);
  if (!status) return {};
  return FileStamp{static_cast<std::uint64_t>(status->st_size),
                   std::int64_t{status->st_mtim.tv_sec} * 1'000'000 + status->st_mtim.tv_nsec / 1000};
}

std::optional<double> started_of(const core::RunRecord& record) {
  const core::Series* lives = record.find("segment");
  if (lives == nullptr || lives->find("start_time") == nullptr || lives->at("start_time").size() == 0)
    return {};
  return lives->at("start_time").doubles().back();
}

void write_result(const std::filesystem::path& attempt, const core::RunRecord& record) {
  core::write_run(Recorder::run_path(attempt), record);
  write_json(result_path(attempt), json_of(record, attempt, attempt.filename().string()));
}

void restore_result(const std::filesystem::path& cell_folder) {
  const core::RunRecord record = core::read_run(Recorder::run_path(cell_folder));
  const auto attempt = record.provenance.find("attempt");
  const bool says = attempt != record.provenance.end() && attempt_number(attempt->second);
  write_json(done_path(cell_folder), json_of(record, cell_folder, says ? attempt->second : attempt_name(1)));
}

Result read_result(const std::filesystem::path& file) {
  try {
    return result_from(core::read_own_document(file).root);
  } catch (const std::exception& error) {
    if (core::is_unreadable(error)) throw;
    throw std::runtime_error(file.string() + ": is not the result of an attempt: " + error.what());
  }
}

bool is_trained(const std::filesystem::path& attempt, const std::string& cell_id) {
  if (!core::is_there(weights_path(attempt)) || !core::is_there(Recorder::journal_path(attempt)))
    return false;
  std::optional<core::RunRecord> record;
  if (!core::damage_in([&] { record = Recorder::record_of(attempt); }).empty() || !record) return false;
  const auto id = record->provenance.find("cell_id"), digest = record->provenance.find(kWeightsDigest);
  return id != record->provenance.end() && id->second == cell_id &&
         fault_of_weights(weights_path(attempt), cell_id,
                          digest == record->provenance.end() ? std::string() : digest->second)
             .empty();
}

void finish_attempt(const std::filesystem::path& attempt) {
  const std::optional<core::RunRecord> record = Recorder::record_of(attempt);
  if (!record)
    throw std::runtime_error(Recorder::journal_path(attempt).string() +
                             ": does not reach the end of the training");
  write_result(attempt, *record);
  std::error_code ignored;
  std::filesystem::remove(Recorder::live_path(attempt), ignored);  // run.h5 shows it all
}

}  // namespace isorbit::experiments
