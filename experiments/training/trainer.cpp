#include "experiments/training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "experiments/distributed/meeting.hpp"
#include "experiments/distributed/provenance.hpp"
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

void clear(const BatchBuffers& buffers) {
  for (const auto& [name, buffer] : buffers)
    std::visit([](auto values) { std::ranges::fill(values, 0); }, buffer);
}

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
    if (ranks_.size() > 1) learner_.share_gradients(ranks_);
    if (training_.contains("evaluate") && is_first())
      evaluation_.emplace(request.document, request.data_dir,
                          training_.at("evaluate").get<std::vector<std::string>>());
    const bool resumed = resume();
    recorder_->watch([this](const Json& row) { watch_.row(row); });
    if (request.live && is_first()) recorder_->show_live(request.note);
    meet_at_start();
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
    if (training_.contains("evaluate") && stops()) return stop();
    if (is_first()) publish();
    (void)meet(ranks_);
    return result(Outcome::complete, {});
  }

  /// Finished updates.
  std::int64_t step() const { return step_; }

 private:
  /// Whether this process owns the files.
  bool is_first() const { return ranks_.rank() == 0; }

  void publish() {
    const std::vector<core::Series> evaluated = evaluations();
    fence();
    write_weights(weights_path(request_.folder), learner_, setup_.cell_id, step_);
    recorder_->end(step_, request_.document.dump(), whence(), evaluated);
    finish_attempt(request_.folder);
  }

  /// Throws where ranks do not start alike.
  void meet_at_start() {
    if (ranks_.size() == 1) return;
    for (const std::uint64_t other : values_of(ranks_, static_cast<std::uint64_t>(step_)))
      if (other != static_cast<std::uint64_t>(step_))
        throw std::runtime_error("ranks go on from different steps, " + std::to_string(step_) + " and " +
                                 std::to_string(other) + ": they must see the same folder");
    for (const std::uint64_t other : values_of(ranks_, learner_.reducer()->layout()))
      if (other != learner_.reducer()->layout())
        throw std::runtime_error("ranks compile the model differently: they must be the same program");
  }

  /// The provenance of the record, with what the cell took.
  std::map<std::string, std::string> whence() const {
    std::map<std::string, std::string> out =
        provenance(compute_from(training_), setup_.source->data_sha256(), setup_.cell_id, request_.argv);
    CellCost cost{seconds_before_ + life_.seconds(), {}, resumed_from_.empty(), request_.forecast};
    if (counts_peak_) cost.peak = static_cast<double>(peak_bytes());
    out["cost"] = json_of(cost).dump();
    out.merge(distributed_provenance(ranks_, learner_));
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
      open_recorder(std::nullopt, {});
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
    open_recorder(step_, from->rows);
    return true;
  }

  void open_recorder(std::optional<std::int64_t> resumed_from, std::span<const Json> rows) {
    if (is_first())
      recorder_.emplace(request_.folder, resumed_from, rows);
    else
      recorder_.emplace();
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
    std::exception_ptr failure;
    for (std::int64_t part = 0; part < parts; ++part) {
      try {
        setup_.source->train_batch(seed_, step_, learner_.train_inputs(), {part, parts});
      } catch (...) {
        failure = std::current_exception();
        clear(learner_.train_inputs());
      }
      if (failure && ranks_.size() == 1) break;
      loss += learner_.backward();  // also where there is no batch: the other ranks are in it
    }
    if (failure) std::rethrow_exception(failure);
    return mean_over(ranks_, loss) / static_cast<double>(parts);
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

  /// Whether all ranks stop before work that may take `next` seconds and the checkpoint behind it.
  bool stops(double next = 0) { return meet_alike(wants_to_stop(next)); }

  /// Whether this process would, alone; once said it stays. Any thread may ask.
  bool wants_to_stop(double next = 0) {
    if (!stops_ && asked() == 0 && request_.limit != nullptr) {
      const double known = pace_.longest(Pace::checkpoint);
      const double write = known > 0 ? known : static_cast<double>(learner_.planned_bytes()) / kSlowDisk;
      stops_ = !request_.limit->fits(next + write);
    }
    return stops_ || asked() != 0;
  }

  CellResult stop() {
    const std::int64_t how = meet(ranks_, asked());
    if (how < 2) checkpoint();
    (void)meet(ranks_);
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
        learner_, step_, [&] { setup_.probe->valid_batch(0, learner_.probe_inputs()); },
        [&](const EventRow& row) { recorder_->event(row); });
    watch_.check(step_);
  }

  void link(double loss) {
    link_ = chain_.next(step_, loss);
    recorder_->replay(step_, link_.link, link_.digests);
    if (request_.link) request_.link(link_);
  }

  /// Meets; the word of rank 0. Throws where ranks no longer hold the same weights.
  bool meet_alike(bool word = false) {
    if (ranks_.size() == 1) return word;
    const std::uint64_t own = core::checksum(std::as_bytes(std::span(link_.link)));
    const std::vector<std::uint64_t> said = values_of(ranks_, (own & ~std::uint64_t{1}) | (word ? 1 : 0));
    if (std::ranges::all_of(said, [&](std::uint64_t other) { return other >> 1 == said.front() >> 1; }))
      return (said.front() & 1) != 0;
    const std::vector<std::string> digests = texts_of(ranks_, link_.digests);
    throw BrokenInvariant("the ranks' weights differ after step " + std::to_string(step_) + ": " +
                          first_difference(digests, chain_.tensors()));
  }

  void validate() {
    const std::int64_t batches = setup_.source->valid_batches();
    for (; owed_.batches < batches; ++owed_.batches) {
      if (stops(pace_.longest(Pace::validation_batch))) return;
      const Stopwatch watch;
      setup_.source->valid_batch(owed_.batches, learner_.valid_inputs());
      owed_.loss += mean_over(ranks_, learner_.validate());
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
    bool whole = true;
    if (is_first())
      whole = measure_weights(learner_, measures_, step_, *recorder_, [this] { return wants_to_stop(); });
    owed_.measures = meet(ranks_, whole ? 0 : 1) != 0;
    if (owed_.measures) return;
    pace_.took(Pace::measurement, watch.seconds());
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
    (void)meet_alike();
    if (!is_first()) return;
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
  SingleRank alone_;
  Communicator& ranks_ = request_.ranks == nullptr ? alone_ : *request_.ranks;
  const Stopwatch life_;
  const bool counts_peak_ = request_.alone && forget_peak();
  CellSetup setup_;
  const Json& training_;
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

/// So that ranks that are well need not wait for this one.
void tell_others(const CellRequest& request, const std::exception& error) {
  const bool is_theirs = dynamic_cast<const OtherRankFailed*>(&error) != nullptr;
  if (request.ranks != nullptr && !is_theirs) tell_failure(*request.ranks, error.what());
}

}  // namespace

CellResult run_cell(const CellRequest& request) {
  const bool is_first = request.ranks == nullptr || request.ranks->rank() == 0;
  std::optional<CellRun> run;
  try {
    if (is_first) std::filesystem::create_directories(request.folder);
    run.emplace(request);
    return run->run();
  } catch (const core::DocumentError& error) {
    tell_others(request, error);
    throw;
  } catch (const std::exception& error) {
    tell_others(request, error);
    const std::int64_t step = run ? run->step() : 0;
    if (!is_first) return {Outcome::failed, error.what(), NAN, step};
    if (const std::optional<std::string> by = superseded(request))
      return {Outcome::superseded, *by, NAN, step};
    const Failure failure = failure_of(error, step);
    write_failure(request.folder, failure);
    return {Outcome::failed, failure.reason, NAN, failure.step, failure.kind};
  }
}

}  // namespace isorbit::experiments
