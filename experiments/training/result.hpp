// The end of an attempt: its record is sealed from the journal, and a small file beside it says what came
// out.
//
//   result.json   {"outcome": "complete", "cell", "attempt", "step", "metric", "loss", "started",
//                  "run_sha256", "run_bytes", "run_modified", "weights_sha256", "weights_bytes",
//                  "weights_modified", "cost"}
//
// The cell's done.json is a second name of the result of the attempt that was published. A journal whose last
// row is an "end" is enough to make both again. Files of earlier versions have no "started" and no
// "weights_*".
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/record/run_file.hpp"
#include "experiments/training/cell_cost.hpp"

namespace isorbit::experiments {

/// What tells that nobody wrote to a file: its bytes and modification time, us since 1970.
struct FileStamp {
  std::uint64_t bytes = 0;
  std::int64_t modified = 0;
  [[nodiscard]] bool operator==(const FileStamp&) const = default;
};
/// Nothing where there is no such file. Throws std::system_error where that cannot be told.
[[nodiscard]] std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

struct Result {
  std::string cell;     // its id
  std::string attempt;  // name of the attempt's folder
  std::int64_t step = 0;
  double metric = 0;                      // the last valid/loss, nats; NaN where there is none
  std::optional<double> loss = {};        // the last train/loss, nats; nothing where it does not say
  std::optional<double> started = {};     // start of the attempt's life by its record, seconds since 1970
  std::string run_sha256 = {};            // of run.h5 as it was sealed
  FileStamp run = {};                     // of it
  std::string weights_sha256 = {};        // of weights.safetensors; empty: not known
  std::optional<FileStamp> weights = {};  // of it
  std::optional<CellCost> cost = {};
};

[[nodiscard]] inline std::filesystem::path result_path(const std::filesystem::path& attempt) {
  return attempt / "result.json";
}
[[nodiscard]] inline std::filesystem::path done_path(const std::filesystem::path& cell_folder) {
  return cell_folder / "done.json";
}

/// Start of the last life in a record, which no other attempt's record has; nothing in one without lives.
[[nodiscard]] std::optional<double> started_of(const core::RunRecord& record);

/// Writes run.h5 and then result.json into the attempt's folder, each beside and renamed. `record` has
/// provenance "cell_id"; the weights are there. Throws std::runtime_error naming file and cause.
void write_result(const std::filesystem::path& attempt, const core::RunRecord& record);
/// Makes done.json again from the run.h5 and the weights in a cell's folder.
void restore_result(const std::filesystem::path& cell_folder);

/// Throws std::system_error where the file cannot be read, and std::runtime_error naming the file and what is
/// wrong with it.
[[nodiscard]] Result read_result(const std::filesystem::path& file);

/// Whether the training of an attempt at this cell is over: its journal has its end and the weights are
/// there and whole. Throws std::system_error where it cannot be told.
[[nodiscard]] bool is_trained(const std::filesystem::path& attempt, const std::string& cell_id);
/// Makes run.h5 and result.json of such an attempt from its journal, and removes live.h5. Throws
/// std::runtime_error naming the file that is missing or damaged.
void finish_attempt(const std::filesystem::path& attempt);

}  // namespace isorbit::experiments
