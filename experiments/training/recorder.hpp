// The rows of a run: appended to the journal of an attempt while it lives, sealed as one HDF5 file at its
// end.
//
// Journal rows have a "t": train | valid | spectrum | measure | event | replay | replay_tensors | groups (all
// with "step"), segment (with the "cell" it is of), and as the last one "end" with what the record holds
// besides rows: config, provenance and the series of evaluations.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/record/journal.hpp"
#include "core/record/run_file.hpp"
#include "experiments/event.hpp"
#include "experiments/training/live_log.hpp"

namespace isorbit::experiments {

class Recorder {
 public:
  /// Makes the journal of an attempt's folder; `kept` of the attempt it goes on from are on the disk before
  /// anything else. Throws std::runtime_error where there is a journal: an attempt is one process life.
  Recorder(std::filesystem::path folder, std::optional<std::int64_t> resumed_from,
           std::span<const core::Json> kept = {});
  /// Of a rank that owns no files: keeps nothing; a watcher sees every row.
  Recorder() = default;

  /// `rates`: the learning rate of every group.
  void train(std::int64_t step, double loss, std::span<const double> rates, double grad_norm,
             std::int64_t tokens, double seconds);
  void valid(std::int64_t step, double loss, double bits_per_byte);
  void spectrum(std::int64_t step, const std::string& parameter, std::span<const std::int64_t> shape,
                std::span<const double> singular_values);
  void measures(std::int64_t step, const std::string& series, const std::map<std::string, double>& values);
  void event(const EventRow& row);
  /// Names of the method's groups, before the first step.
  void groups(const std::vector<std::string>& names);
  /// Names of what the digests of links are of.
  void replay_tensors(const std::vector<std::string>& names);
  /// A link of the chain (replay_chain.hpp).
  void replay(std::int64_t step, const std::string& link, const std::string& digests);
  void segment(std::int64_t start_step, double start_time, const std::string& cell_id);
  void sync() {
    if (journal_) journal_->sync();
  }

  /// Calls `watcher` with every row from here on, as the journal holds it.
  void watch(std::function<void(const core::Json&)> watcher) { watcher_ = std::move(watcher); }

  /// Shows the rows there are and all that follow in live.h5, until the end. `note` is told
  /// when that fails, which stops no run.
  void show_live(std::function<void(const std::string&)> note);

  /// Appends the end, after which the journal is all that run.h5 is made from, waits until it is on the disk,
  /// and closes journal and live.h5.
  void end(std::int64_t step, const std::string& config, const std::map<std::string, std::string>& provenance,
           std::span<const core::Series> more = {});

  /// The record of the attempt in a folder; nothing where its journal has no end. Throws std::runtime_error
  /// where the journal cannot be read or a row is not what it says.
  [[nodiscard]] static std::optional<core::RunRecord> record_of(const std::filesystem::path& folder);
  /// The same as far as the attempt came: without config and provenance where its journal has no end.
  [[nodiscard]] static core::RunRecord so_far(const std::filesystem::path& folder);

  [[nodiscard]] static std::filesystem::path journal_path(const std::filesystem::path& folder) {
    return folder / "journal.log";
  }
  [[nodiscard]] static std::filesystem::path run_path(const std::filesystem::path& folder) {
    return folder / "run.h5";
  }
  [[nodiscard]] static std::filesystem::path live_path(const std::filesystem::path& folder) {
    return folder / "live.h5";
  }

 private:
  void append(core::Json row);

  std::filesystem::path folder_;
  std::unique_ptr<core::Journal> journal_;
  std::function<void(const core::Json&)> watcher_;
  std::unique_ptr<LiveLog> live_;
  std::optional<std::int64_t> resumed_from_;
};

}  // namespace isorbit::experiments
