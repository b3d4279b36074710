#include "experiments/sweep/publication.hpp"

#include <array>
#include <optional>
#include <system_error>
#include <vector>

#include "core/record/second_name.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/result_check.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

bool is_complete(const std::filesystem::path& cell_folder, const std::string& cell_id, bool to_the_byte) {
  if (!core::is_there(done_path(cell_folder))) return false;
  const std::optional<Result> result = result_of(done_path(cell_folder), cell_id);
  return result && faults_of(cell_folder, *result, to_the_byte).none();
}

std::string gone(const std::filesystem::path& file) { return file.string() + ": is gone"; }

std::string fault_of_published_record(const std::filesystem::path& run, const Result& result,
                                      bool to_the_byte) {
  const std::optional<FileStamp> stamp = stamp_of(run);
  if (!stamp) return gone(run);
  if (!to_the_byte && stamp == result.run) return {};
  return fault_of_record(run, result.cell, result.started);
}

std::string fault_of_published_weights(const std::filesystem::path& cell_folder, const Result& result,
                                       bool to_the_byte) {
  const std::filesystem::path weights = weights_path(cell_folder);
  const std::optional<FileStamp> stamp = stamp_of(weights);
  if (!stamp) return core::is_there(weights_path(cell_folder / result.attempt)) ? gone(weights) : "";
  if (!to_the_byte && (!result.weights || stamp == result.weights)) return {};
  return fault_of_weights(weights, result.cell, result.weights_sha256);
}

}  // namespace

void put_aside(const std::filesystem::path& file, const std::string& why) {
  std::filesystem::path aside = file;
  aside += "." + why;
  for (int number = 2; core::is_there(aside); ++number)
    (aside = file) += "." + why + "-" + std::to_string(number);
  std::filesystem::rename(file, aside);
}

Faults faults_of(const std::filesystem::path& cell_folder, const Result& result, bool to_the_byte) {
  return {fault_of_published_record(Recorder::run_path(cell_folder), result, to_the_byte),
          fault_of_published_weights(cell_folder, result, to_the_byte)};
}

bool share_results(const std::filesystem::path& cell_folder) {
  const Result result = read_result(done_path(cell_folder));
  const std::filesystem::path attempt = cell_folder / result.attempt;
  const Faults faults = faults_of(cell_folder, result, true);
  struct Shared {
    std::filesystem::path file, name;
  };
  std::vector<Shared> shared;
  if (!faults.weights.empty()) shared.push_back({weights_path(attempt), weights_path(cell_folder)});
  if (!faults.run.empty()) shared.push_back({Recorder::run_path(attempt), Recorder::run_path(cell_folder)});
  for (const auto& [file, name] : shared)
    if (!core::is_there(file) || core::is_same_file(file, name)) return false;
  for (const auto& [file, name] : shared) {
    if (core::is_there(name)) put_aside(name, "replaced");
    core::name_again(file, name);
  }
  std::error_code ignored;
  std::filesystem::remove(checkpoint_path(attempt), ignored);
  return true;
}

bool publish_attempt(const std::filesystem::path& attempt) {
  const std::filesystem::path cell_folder = attempt.parent_path();
  core::name_again(result_path(attempt), done_path(cell_folder));
  const bool won = read_result(done_path(cell_folder)).attempt == attempt.filename();
  share_results(cell_folder);
  return won;
}

bool is_complete(const std::filesystem::path& cell_folder, const std::string& cell_id) {
  return is_complete(cell_folder, cell_id, false);
}

bool is_complete_to_the_byte(const std::filesystem::path& cell_folder, const std::string& cell_id) {
  return is_complete(cell_folder, cell_id, true);
}

}  // namespace isorbit::experiments
