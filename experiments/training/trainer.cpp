#include "experiments/training/trainer.hpp"

#include <chrono>
#include <cmath>
#include <optional>

#include "core/record/run_file.hpp"
#include "experiments/evaluation/cell_evaluation.hpp"
#include "experiments/training/cell_setup.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/defect_watch.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/learner_scope.hpp"
#include "experiments/training/measurement.hpp"
#include "experiments/training/provenance.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {

namespace {

using Clock = std::chrono::steady_clock;
using core::Json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The training ended in numbers that are no numbers.
struct Diverged : std::runtime_error {
  using std::runtime_error::runtime_error;
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
    std::filesystem::create_directories(request.folder);
    const std::optional<std::int64_t> resumed = resume();
    recorder_.emplace(request.folder, resumed);
    recorder_->watch([this](const Json& row) { watch_.row(row); });
    recorder_->segment(
        step_, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
    if (!resumed) begin();
    start_ = Clock::now();
    first_step_ = step_;
  }

  CellResult run() {
    while (step_ < steps_) {
      const int stop = request_.stop != nullptr ? request_.stop->load() : 0;
      if (stop != 0) {
        if (stop == 1) checkpoint();
        return {Outcome::stopped, "stopped on request after step " + std::to_string(step_), valid_loss_,
                step_};
      }
      one_step();
    }
    checkpoint();
    write_weights(weights_path(request_.folder), learner_, setup_.cell_id, step_);
    recorder_->seal(
        request_.document.dump(),
        provenance(compute_from(training_), setup_.source->data_sha256(), setup_.cell_id, request_.argv),
        evaluations());
    return {Outcome::complete, {}, valid_loss_, step_};
  }

 private:
  bool due(const char* cadence) const {
    return step_ == steps_ || step_ % training_.at(cadence).get<std::int64_t>() == 0;
  }

  /// Restores checkpoint and journal when both are there and agree; the step they hold.
  std::optional<std::int64_t> resume() {
    const std::optional<CheckpointState> state = read_checkpoint(checkpoint_path(), learner_, setup_.cell_id);
    if (!state) return std::nullopt;
    const std::filesystem::path journal = Recorder::journal_path(request_.folder);
    std::int64_t recorded = -1;
    if (std::filesystem::exists(journal)) {
      for (const Json& row : core::Journal::read(journal).rows) {
        if (row.value("step", std::int64_t{0}) <= state->step) watch_.row(row);
        if (row.value("t", "") == "train") recorded = std::max(recorded, row.at("step").get<std::int64_t>());
        if (row.value("t", "") == "valid" && row.at("step").get<std::int64_t>() <= state->step)
          valid_loss_ = row.at("loss");
      }
    }
    if (recorded < state->step) {
      throw std::runtime_error(checkpoint_path().string() + ": is at step " + std::to_string(state->step) +
                               " but the journal beside it ends at step " + std::to_string(recorded) +
                               "; remove the folder to start the cell anew");
    }
    step_ = state->step;
    seconds_before_ = state->seconds;
    return step_;
  }

  void begin() {
    if (request_.document.contains("from")) start_from(learner_, setup_.given_weights(request_));
    events();
    validate();
    measure();
  }

  void one_step() {
    setup_.source->train_batch(seed_, step_, learner_.train_inputs());
    const double loss = learner_.backward();
    if (!std::isfinite(loss))
      throw Diverged("the training loss is not finite after step " + std::to_string(step_));
    const std::vector<double> rates = learner_.learning_rates(step_, steps_);
    const double norm = learner_.update(step_, steps_);
    if (!std::isfinite(norm))
      throw Diverged("the gradient norm is not finite at step " + std::to_string(step_ + 1));
    ++step_;
    recorder_->train(step_, loss, rates, norm, step_ * setup_.targets_per_step, seconds());
    events();
    if (due("validate_every")) validate();
    if (due("spectra_every")) measure();
    if (due("checkpoint_every") && step_ < steps_) checkpoint();
    report(loss);
  }

  void events() {
    run_events(
        learner_, step_, [&] { setup_.source->valid_batch(0, learner_.probe_inputs()); },
        [&](const EventRow& row) { recorder_->event(row); });
    watch_.check(step_);
  }

  void validate() {
    double sum = 0;
    const std::int64_t batches = setup_.source->valid_batches();
    for (std::int64_t i = 0; i < batches; ++i) {
      setup_.source->valid_batch(i, learner_.valid_inputs());
      sum += learner_.validate();
    }
    valid_loss_ = sum / static_cast<double>(batches);
    if (!std::isfinite(valid_loss_))
      throw Diverged("the validation loss is not finite after step " + std::to_string(step_));
    const double bytes = setup_.source->bytes_per_token();
    recorder_->valid(step_, valid_loss_, bytes > 0 ? valid_loss_ / (bytes * std::log(2.0)) : NAN);
  }

  void measure() {
    measure_weights(learner_, measures_, step_, *recorder_);
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
    recorder_->sync();
    write_checkpoint(checkpoint_path(), learner_,
                     {setup_.cell_id, step_, seconds(), request_.document.dump()});
  }

  void report(double loss) const {
    if (!request_.progress) return;
    const double spent = seconds_since(start_), done = static_cast<double>(step_ - first_step_);
    request_.progress({step_, steps_, loss, valid_loss_,
                       done * static_cast<double>(setup_.targets_per_step) / spent,
                       spent / done * static_cast<double>(steps_ - step_)});
  }

  std::filesystem::path checkpoint_path() const { return request_.folder / "checkpoint.safetensors"; }
  double seconds() const { return seconds_before_ + seconds_since(start_); }

  const CellRequest& request_;
  CellSetup setup_;
  const Json& training_;
  std::int64_t steps_;
  std::uint64_t seed_;
  Learner learner_;
  analysis::MeasureSet measures_;
  DefectWatch watch_;
  std::optional<CellEvaluation> evaluation_;
  std::optional<Recorder> recorder_;
  std::int64_t step_ = 0, first_step_ = 0;
  double valid_loss_ = NAN, seconds_before_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

CellResult run_cell(const CellRequest& request) {
  try {
    CellRun run(request);
    std::filesystem::remove(request.folder / "failed.json");
    return run.run();
  } catch (const core::DocumentError&) {
    throw;
  } catch (const std::exception& e) {
    keep_reason(request.folder, e.what());
    return {Outcome::failed, e.what(), NAN, 0};
  }
}

bool is_complete(const std::filesystem::path& folder, const std::string& cell_id) {
  const std::filesystem::path file = Recorder::run_path(folder);
  if (!std::filesystem::exists(file)) return false;
  try {
    const core::RunRecord record = core::read_run(file);
    const auto it = record.provenance.find("cell_id");
    return it != record.provenance.end() && it->second == cell_id;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace isorbit::experiments
