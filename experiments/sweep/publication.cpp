#include "experiments/sweep/publication.hpp"

#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "core/record/run_file.hpp"
#include "core/record/second_name.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/result.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

/// What done.json says of this cell; nothing where it says nothing that can be read.
std::optional<Result> published(const std::filesystem::path& cell_folder, const std::string& cell_id) {
  std::error_code error;
  if (!std::filesystem::exists(done_path(cell_folder), error)) return {};
  try {
    Result result = read_result(done_path(cell_folder));
    if (result.cell == cell_id) return result;
  } catch (const std::exception&) {
    // A damaged one: the cell is not complete, and repair says why.
  }
  return {};
}

bool holds_the_cell(const std::filesystem::path& run, const std::string& cell_id) {
  try {
    const core::RunRecord record = core::read_run(run);
    const auto found = record.provenance.find("cell_id");
    return found != record.provenance.end() && found->second == cell_id;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

bool share_results(const std::filesystem::path& cell_folder) {
  const std::filesystem::path attempt = cell_folder / read_result(done_path(cell_folder)).attempt;
  const std::array names = {std::pair(weights_path(attempt), weights_path(cell_folder)),
                            std::pair(Recorder::run_path(attempt), Recorder::run_path(cell_folder))};
  for (const auto& [file, name] : names) {
    if (std::filesystem::exists(name)) continue;
    if (!std::filesystem::exists(file)) return false;
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
  const std::optional<Result> result = published(cell_folder, cell_id);
  if (!result) return false;
  const FileStamp stamp = stamp_of(Recorder::run_path(cell_folder));
  if (stamp.bytes == 0) return false;
  return (stamp.bytes == result->run_bytes && stamp.modified == result->run_modified) ||
         holds_the_cell(Recorder::run_path(cell_folder), cell_id);
}

bool is_complete_to_the_byte(const std::filesystem::path& cell_folder, const std::string& cell_id) {
  return published(cell_folder, cell_id) && holds_the_cell(Recorder::run_path(cell_folder), cell_id);
}

}  // namespace isorbit::experiments
