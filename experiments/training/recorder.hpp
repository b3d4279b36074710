// The rows of a run: appended to the cell's journal while it lives, sealed as one HDF5 file at its end.
//
// Journal rows have a "t": train | valid | spectrum | measure | event (all with "step") and segment.
#pragma once
#include <cstdint>
#include <filesystem>
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

  /// Writes run.h5 from the journal, beside and renamed, then removes the journal.
  void seal(const std::string& config, const std::map<std::string, std::string>& provenance);

  [[nodiscard]] static std::filesystem::path journal_path(const std::filesystem::path& folder) {
    return folder / "journal.log";
  }
  [[nodiscard]] static std::filesystem::path run_path(const std::filesystem::path& folder) {
    return folder / "run.h5";
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<core::Journal> journal_;
  std::optional<std::int64_t> resumed_from_;
};

}  // namespace isorbit::experiments
