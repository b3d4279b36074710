#include "experiments/training/trainer.hpp"

#include <chrono>
#include <cmath>
#include <optional>

#include "experiments/evaluation/cell_evaluation.hpp"
#include "experiments/timing/process_memory.hpp"
#include "experiments/training/cell_setup.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/defect_watch.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/learner_scope.hpp"
#include "experiments/training/measurement.hpp"
#include "experiments/training/provenance.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/replay_chain.hpp"
#include "experiments/training/result.hpp"
#include "experiments/training/resume.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {

namespace {

using Clock = std::chrono::steady_clock;
using core::Json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr double kSlowDisk = 1e8;  // bytes a second, taken for a checkpoint until one has been written

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return seconds_since(start_); }

 private:
  Clock::time_point start_ = Clock::now();
};

class CellRun {
 public:
  explicit CellRun(const CellRequest& request)
      : request_(request),
        setup_(request),
        training_(request.document.at("training")),
        steps_(training_.at("steps").get<std::int64_t>()),
        seed_(request.document.at("seed").get<std::uint64_t>()),
        learner_(setup_.model, setup_.method, setup_.ops, seed_, compute_from(training_)),
        watch_(training_, request.note) {
    const std::optional<std::string> note = precision_note(training_.at("dtype").get<std::string>());
    if (note && request.note) request.note(*note);
    if (training_.contains("evaluate"))
      evaluation_.emplace(request.document, request.data_dir,
                          training_.at("evaluate").get<std::vector<std::string>>());
    const bool resumed = resume();
    recorder_->watch([this](const Json& row) { watch_.row(row); });
    if (request.live) recorder_->show_live(request.note);
    recorder_->segment(
        step_, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
    if (!resumed) begin();
    start_ = Clock::now();
    started_ = life_.seconds();
    first_step_ = step_;
  }

  CellResult run() {
    while (step_ < steps_ || owed_.any()) {
      if (stops(owed_.any() ? 0 : pace_.longest(Pace::step))) return stop();
      if (owed_.any())
        settle();
      else
        one_step();
    }
    checkpoint();
    if (evaluation_ && stops()) return stop();
    const std::vector<core::Series> evaluated = evaluations();
    fence();
    write_weights(weights_path(request_.folder), learner_, setup_.cell_id, step_);
    recorder_->end(step_, request_.document.dump(), whence(), evaluated);
    finish_attempt(request_.folder);
    return result(Outcome::complete, {});
  }

  /// Finished updates.
  std::int64_t step() const { return step_; }

 private:
  /// The provenance of the record, with what the cell took.
  std::map<std::string, std::string> whence() const {
    std::map<std::string, std::string> out =
        provenance(compute_from(training_), setup_.source->data_sha256(), setup_.cell_id, request_.argv);
    CellCost cost{seconds_before_ + life_.seconds(), {}, resumed_from_.empty(), request_.forecast};
    if (counts_peak_) cost.peak = static_cast<double>(peak_bytes());
    out["cost"] = json_of(cost).dump();
    return out;
  }

  bool due(const char* cadence) const {
    return step_ == steps_ || step_ % training_.at(cadence).get<std::int64_t>() == 0;
  }

  /// Opens the journal, with the state and the rows of an earlier attempt where there are some.
  bool resume() {
    const std::optional<Resumption> from =
        resume_from(request_.earlier, learner_, setup_.cell_id, request_.note);
    if (!from) {
      recorder_.emplace(request_.folder, std::nullopt);
      return false;
    }
    for (const Json& row : from->rows) {
      watch_.row(row);
      const std::string& kind = row.at("t").get_ref<const std::string&>();
      if (kind == "replay" && row.at("step") == from->state.step)
        chain_.resume(row.at("link").get<std::string>());
      if (kind == "valid") valid_loss_ = row.at("loss");
    }
    resumed_from_ = from->attempt;
    step_ = from->state.step;
    owed_ = from->state.owed;
    seconds_before_ = from->state.seconds;
    recorder_.emplace(request_.folder, step_, from->rows);
    return true;
  }

  void begin() {
    if (request_.document.contains("from")) start_from(learner_, setup_.given_weights(request_));
    events();
    link(NAN);
    recorder_->replay_tensors(chain_.tensors());
    owed_ = {true, true};
  }

  /// Of the next update, over all its batches; a stop waits for it. Returns their mean loss.
  double gradients() {
    const std::int64_t parts = training_.value("accumulate", std::int64_t{1});
    double loss = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
      setup_.source->train_batch(seed_, step_, learner_.train_inputs(), {part, parts});
      loss += learner_.backward();
    }
    return loss / static_cast<double>(parts);
  }

  void one_step() {
    const Stopwatch watch;
    const double loss = gradients();
    if (!std::isfinite(loss))
      throw Diverged("the training loss is not finite after step " + std::to_string(step_));
    const std::vector<double> rates = learner_.learning_rates(step_, steps_);
    const double norm = learner_.update(step_, steps_);
    if (!std::isfinite(norm))
      throw Diverged("the gradient norm is not finite at step " + std::to_string(step_ + 1));
    ++step_;
    recorder_->train(step_, loss, rates, norm, step_ * setup_.targets_per_step, seconds());
    events();
    link(loss);
    pace_.took(Pace::step, watch.seconds());
    owed_ = {due("validate_every"), due("spectra_every")};
    settle();
    if (owed_.any()) return;
    if (due("checkpoint_every") && step_ < steps_) checkpoint();
    report(loss);
  }

  /// Validates and measures what is owed, as far as a stop lets it.
  void settle() {
    if (owed_.validation) validate();
    if (owed_.measures && !owed_.validation) measure();
  }

  int asked() const { return request_.stop != nullptr ? request_.stop->load() : 0; }

  /// Whether to stop before work that may take `next` seconds and the checkpoint behind it; once said it
  /// stays. Any thread may ask.
  bool stops(double next = 0) {
    if (!stops_ && asked() == 0 && request_.limit != nullptr) {
      const double known = pace_.longest(Pace::checkpoint);
      const double write = known > 0 ? known : static_cast<double>(learner_.planned_bytes()) / kSlowDisk;
      stops_ = !request_.limit->fits(next + write);
    }
    return stops_ || asked() != 0;
  }

  CellResult stop() {
    const int how = asked();
    if (how < 2) checkpoint();
    return result(Outcome::stopped, how == 0   ? "state saved before the time limit"
                                    : how == 1 ? "state saved"
                                               : "state not saved");
  }

  CellResult result(Outcome outcome, std::string reason) const {
    CellResult out{outcome, std::move(reason), valid_loss_, step_};
    if (pace_.longest(Pace::checkpoint) > 0 && step_ > first_step_)
      out.least_seconds = started_ + pace_.longest(Pace::step) + pace_.longest(Pace::checkpoint);
    return out;
  }

  void events() {
    run_events(
        learner_, step_, [&] { setup_.source->valid_batch(0, learner_.probe_inputs()); },
        [&](const EventRow& row) { recorder_->event(row); });
    watch_.check(step_);
  }

  void link(double loss) {
    const ReplayLink link = chain_.next(step_, loss);
    recorder_->replay(step_, link.link, link.digests);
    if (request_.link) request_.link(link);
  }

  void validate() {
    const std::int64_t batches = setup_.source->valid_batches();
    for (; owed_.batches < batches; ++owed_.batches) {
      if (stops(pace_.longest(Pace::validation_batch))) return;
      const Stopwatch watch;
      setup_.source->valid_batch(owed_.batches, learner_.valid_inputs());
      owed_.loss += learner_.validate();
      if (!std::isfinite(owed_.loss)) break;
      pace_.took(Pace::validation_batch, watch.seconds());
    }
    valid_loss_ = owed_.loss / static_cast<double>(batches);
    if (!std::isfinite(valid_loss_))
      throw Diverged("the validation loss is not finite after step " + std::to_string(step_));
    const double bytes = setup_.source->bytes_per_token();
    recorder_->valid(step_, valid_loss_, bytes > 0 ? valid_loss_ / (bytes * std::log(2.0)) : NAN);
    owed_.validation = false;
  }

  void measure() {
    if (stops(pace_.longest(Pace::measurement))) return;
    const Stopwatch watch;
    if (!measure_weights(learner_, measures_, step_, *recorder_, [this] { return stops(); })) return;
    pace_.took(Pace::measurement, watch.seconds());
    owed_.measures = false;
    watch_.check(step_);
  }

  std::vector<core::Series> evaluations() {
    std::vector<core::Series> out;
    if (!evaluation_) return out;
    for (const TaskResult& result :
         evaluation_->run(realized_weights(learner_), kItemLimit, Normalization::bytes))
      for (core::Series& series : series_of(result, step_)) out.push_back(std::move(series));
    return out;
  }

  void checkpoint() {
    const Stopwatch watch;
    fence();
    recorder_->sync();
    write_checkpoint(checkpoint_path(request_.folder), learner_,
                     {setup_.cell_id, step_, seconds(), owed_, request_.document.dump()});
    drop_older_checkpoints();
    pace_.took(Pace::checkpoint, watch.seconds());
  }

  void report(double loss) const {
    if (!request_.progress) return;
    const double spent = seconds_since(start_), done = static_cast<double>(step_ - first_step_);
    request_.progress({step_, steps_, loss, valid_loss_,
                       done * static_cast<double>(setup_.targets_per_step) / spent,
                       spent / done * static_cast<double>(steps_ - step_)});
  }

  void fence() const {
    if (request_.fence) request_.fence();
  }

  /// Two are enough: this attempt's, and the one it went on from, should this one be damaged.
  void drop_older_checkpoints() {
    if (dropped_) return;
    std::error_code ignored;
    for (const std::filesystem::path& attempt : request_.earlier)
      if (attempt != resumed_from_) std::filesystem::remove(checkpoint_path(attempt), ignored);
    dropped_ = true;
  }

  double seconds() const { return seconds_before_ + seconds_since(start_); }

  const CellRequest& request_;
  const Stopwatch life_;
  const bool counts_peak_ = request_.alone && forget_peak();
  CellSetup setup_;
  const Json& training_;
  std::int64_t steps_;
  std::uint64_t seed_;
  Learner learner_;
  ReplayChain chain_{learner_};
  analysis::MeasureSet measures_;
  DefectWatch watch_;
  std::optional<CellEvaluation> evaluation_;
  std::optional<Recorder> recorder_;
  std::filesystem::path resumed_from_;  // the attempt; empty: none
  bool dropped_ = false;                // checkpoints of the attempts before
  Owed owed_;
  Pace pace_;
  double started_ = 0;  // seconds until the first step
  std::atomic<bool> stops_ = false;
  std::int64_t step_ = 0, first_step_ = 0;
  double valid_loss_ = NAN, seconds_before_ = 0;
  Clock::time_point start_ = Clock::now();
};

/// Whether the cell belongs to somebody else, and to whom.
std::optional<std::string> superseded(const CellRequest& request) {
  try {
    if (request.fence) request.fence();
  } catch (const Superseded& error) {
    return error.what();
  }
  return {};
}

}  // namespace

CellResult run_cell(const CellRequest& request) {
  std::optional<CellRun> run;
  try {
    std::filesystem::create_directories(request.folder);
    run.emplace(request);
    return run->run();
  } catch (const core::DocumentError&) {
    throw;
  } catch (const std::exception& error) {
    const std::int64_t step = run ? run->step() : 0;
    if (const std::optional<std::string> by = superseded(request))
      return {Outcome::superseded, *by, NAN, step};
    const Failure failure = failure_of(error, step);
    write_failure(request.folder, failure);
    return {Outcome::failed, failure.reason, NAN, failure.step, failure.kind};
  }
}

}  // namespace isorbit::experiments
