// The rows of a run: appended to the cell's journal while it lives, sealed as one HDF5 file at its end.
//
// Journal rows have a "t": train | valid | spectrum | measure | event (all with "step") and segment.
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

namespace isorbit::experiments {

class Recorder {
 public:
  /// Opens the journal of a cell's folder. Rows past `resumed_from` are dropped; without it all are.
  Recorder(std::filesystem::path folder, std::optional<std::int64_t> resumed_from);

  /// `rates`: the learning rate of every group.
  void train(std::int64_t step, double loss, std::span<const double> rates, double grad_norm,
             std::int64_t tokens, double seconds);
  void valid(std::int64_t step, double loss, double bits_per_byte);
  void spectrum(std::int64_t step, const std::string& parameter, std::span<const std::int64_t> shape,
                std::span<const double> singular_values);
  void measures(std::int64_t step, const std::string& series, const std::map<std::string, double>& values);
  void event(const EventRow& row);
  void segment(std::int64_t start_step, double start_time);
  void sync() { journal_->sync(); }

  /// Calls `watcher` with every row from here on, as the journal holds it.
  void watch(std::function<void(const core::Json&)> watcher) { watcher_ = std::move(watcher); }

  /// Writes run.h5 from the journal and `more`, beside and renamed, then removes the journal.
  void seal(const std::string& config, const std::map<std::string, std::string>& provenance,
            std::vector<core::Series> more = {});

  [[nodiscard]] static std::filesystem::path journal_path(const std::filesystem::path& folder) {
    return folder / "journal.log";
  }
  [[nodiscard]] static std::filesystem::path run_path(const std::filesystem::path& folder) {
    return folder / "run.h5";
  }

 private:
  void append(const core::Json& row);

  std::filesystem::path folder_;
  std::unique_ptr<core::Journal> journal_;
  std::function<void(const core::Json&)> watcher_;
  std::optional<std::int64_t> resumed_from_;
};

}  // namespace isorbit::experiments
