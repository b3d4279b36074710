// One process life at a cell, from the state of an earlier one or from its beginning to its record, a stop or
// a failure.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/distributed/meeting.hpp"
#include "experiments/evaluation/cell_evaluation.hpp"
#include "experiments/timing/process_memory.hpp"
#include "experiments/timing/stopwatch.hpp"
#include "experiments/training/cell_setup.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/defect_watch.hpp"
#include "experiments/training/measurement.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/replay_chain.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

class CellRun {
 public:
  /// Makes ready for the next step: compiles, resumes, opens the journal. Throws what makes the cell fail.
  explicit CellRun(const CellRequest& request);

  /// Trains to the end or a stop. Throws what makes the cell fail.
  CellResult run();
  /// Finished updates.
  [[nodiscard]] std::int64_t step() const { return step_; }

 private:
  // of a life: cell_run.cpp

  /// Opens the journal, with the state and the rows of an earlier attempt where there are some.
  bool resume();
  void open_recorder(std::optional<std::int64_t> resumed_from, std::span<const core::Json> rows);
  /// Throws where ranks do not start alike.
  void meet_at_start();
  void begin();
  void checkpoint();
  /// Two are enough: this attempt's, and the one it went on from, should this one be damaged.
  void drop_older_checkpoints();
  void publish();
  /// The provenance of the record, with what the cell took.
  [[nodiscard]] std::map<std::string, std::string> whence() const;
  [[nodiscard]] std::vector<core::Series> evaluations();
  CellResult stop();
  [[nodiscard]] CellResult result(Outcome outcome, std::string reason) const;

  // of a step: cell_steps.cpp

  void one_step();
  /// Of the next update, over all its batches; a stop waits for it. Returns their mean loss.
  double gradients();
  /// Of the step, and its link.
  void events();
  void link();
  /// Measures, runs events and validates, as far as it is owed and a stop lets it.
  void settle();
  void validate();
  void measure();
  void report() const;
  [[nodiscard]] bool due(const char* cadence) const;
  /// Whether all ranks stop before work that may take `next` seconds and the checkpoint behind it.
  bool stops(double next = 0);
  /// Whether this process would, alone; once said it stays. Any thread may ask.
  bool wants_to_stop(double next = 0);
  /// Meets; the word of rank 0. Throws where ranks no longer hold the same weights.
  bool meet_alike(bool word = false);

  /// Whether this process owns the files.
  [[nodiscard]] bool is_first() const { return ranks_.rank() == 0; }
  [[nodiscard]] int asked() const { return request_.stop != nullptr ? request_.stop->load() : 0; }
  void fence() const {
    if (request_.fence) request_.fence();
  }
  [[nodiscard]] double seconds() const { return seconds_before_ + work_.seconds(); }

  const CellRequest& request_;
  SingleRank alone_;
  Communicator& ranks_ = request_.ranks == nullptr ? alone_ : *request_.ranks;
  const Stopwatch life_;
  const bool counts_peak_ = request_.alone && forget_peak();
  CellSetup setup_;
  const core::Json& training_;
  std::int64_t steps_;
  std::uint64_t seed_;
  Learner learner_;
  ReplayChain chain_{learner_};
  ReplayLink link_;  // the last one
  analysis::MeasureSet measures_;
  DefectWatch watch_;
  std::optional<CellEvaluation> evaluation_;
  std::optional<Recorder> recorder_;
  std::filesystem::path resumed_from_;  // the attempt; empty: none
  bool dropped_ = false;                // checkpoints of the attempts before
  Owed owed_;
  Pace pace_;
  double started_ = 0;  // seconds until the first step
  Stopwatch work_;      // since then
  std::atomic<bool> stops_ = false;
  std::int64_t step_ = 0, first_step_ = 0;
  double loss_ = NAN;          // of the last update
  double update_seconds_ = 0;  // it took
  double valid_loss_ = NAN, seconds_before_ = 0;
};

}  // namespace isorbit::experiments
