#include "experiments/training/result.hpp"

#include <sys/stat.h>

#include <cmath>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/json.hpp"
#include "core/document/json_integer.hpp"
#include "core/record/durable_file.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/recorder.hpp"
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

}  // namespace

FileStamp stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {static_cast<std::uint64_t>(status.st_size),
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000 + status.st_mtim.tv_nsec / 1000};
}

void write_result(const std::filesystem::path& attempt, const core::RunRecord& record) {
  const std::filesystem::path run = Recorder::run_path(attempt);
  core::write_run(run, record);
  const FileStamp stamp = stamp_of(run);
  const Json json = {{"outcome", "complete"},
                     {"cell", record.provenance.at("cell_id")},
                     {"attempt", attempt.filename().string()},
                     {"step", last_step(record)},
                     {"metric", last_loss(record, "valid")},
                     {"loss", last_loss(record, "train")},
                     {"run_sha256", core::sha256_file(run)},
                     {"run_bytes", stamp.bytes},
                     {"run_modified", stamp.modified},
                     {"cost", cost_in(record)}};
  core::write_durably(result_path(attempt), json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result read_result(const std::filesystem::path& file) {
  Json json;
  try {
    json = core::read_document(file).root;
    Result out;
    out.cell = json.at("cell").get<std::string>();
    out.attempt = json.at("attempt").get<std::string>();
    out.step = core::integer_of(json.at("step"));
    out.metric = json.at("metric").is_null() ? NAN : json.at("metric").get<double>();
    if (const Json loss = json.value("loss", Json()); loss.is_number()) out.loss = loss.get<double>();
    out.run_sha256 = json.at("run_sha256").get<std::string>();
    out.run_bytes = static_cast<std::uint64_t>(core::integer_of(json.at("run_bytes")));
    out.run_modified = core::integer_of(json.at("run_modified"));
    out.cost = cost_from(json.value("cost", Json()));
    if (attempt_number(out.attempt)) return out;
  } catch (const std::exception& error) {
    throw std::runtime_error(file.string() + ": is not the result of an attempt: " + error.what());
  }
  throw std::runtime_error(file.string() + ": is not the result of an attempt: found \"attempt\": " +
                           core::shown(json.at("attempt")) + "; expected the name of an attempt's folder");
}

bool is_trained(const std::filesystem::path& attempt, const std::string& cell_id) {
  std::error_code error;
  if (!std::filesystem::exists(weights_path(attempt), error)) return false;
  try {
    const std::optional<core::RunRecord> record = Recorder::record_of(attempt);
    return record && record->provenance.at("cell_id") == cell_id;
  } catch (const std::exception&) {
    return false;
  }
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
