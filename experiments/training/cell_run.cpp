#include "experiments/training/cell_run.hpp"

#include <algorithm>
#include <chrono>

#include "core/document/digest.hpp"
#include "experiments/distributed/provenance.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/provenance.hpp"
#include "experiments/training/result.hpp"
#include "experiments/training/result_check.hpp"
#include "experiments/training/resume.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {

using core::Json;

CellRun::CellRun(const CellRequest& request)
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
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  recorder_->segment(step_, now.count(), setup_.cell_id);
  if (!resumed) begin();
  work_ = Stopwatch();
  started_ = life_.seconds();
  first_step_ = step_;
}

CellResult CellRun::run() {
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

void CellRun::publish() {
  const std::vector<core::Series> evaluated = evaluations();
  fence();
  write_weights(weights_path(request_.folder), learner_, setup_.cell_id, step_);
  std::map<std::string, std::string> from = whence();
  from[kWeightsDigest] = core::sha256_file(weights_path(request_.folder));
  recorder_->end(step_, request_.document.dump(), from, evaluated);
  finish_attempt(request_.folder);
}

void CellRun::meet_at_start() {
  if (ranks_.size() == 1) return;
  for (const std::uint64_t other : values_of(ranks_, static_cast<std::uint64_t>(step_)))
    if (other != static_cast<std::uint64_t>(step_))
      throw std::runtime_error("ranks go on from different steps, " + std::to_string(step_) + " and " +
                               std::to_string(other) + ": they must see the same folder");
  for (const std::uint64_t other : values_of(ranks_, learner_.reducer()->layout()))
    if (other != learner_.reducer()->layout())
      throw std::runtime_error("ranks compile the model differently: they must be the same program");
}

std::map<std::string, std::string> CellRun::whence() const {
  std::map<std::string, std::string> out =
      provenance(compute_from(training_), setup_.source->data_sha256(), setup_.cell_id, request_.argv);
  CellCost cost{seconds_before_ + life_.seconds(), {}, resumed_from_.empty(), request_.forecast};
  if (counts_peak_) cost.peak = static_cast<double>(peak_bytes());
  out["cost"] = json_of(cost).dump();
  out["attempt"] = request_.folder.filename().string();
  out.merge(distributed_provenance(ranks_, learner_));
  return out;
}

bool CellRun::resume() {
  const std::optional<Resumption> from =
      resume_from(request_.earlier, learner_, setup_.cell_id, request_.note);
  if (!from) {
    open_recorder(std::nullopt, {});
    return false;
  }
  for (const Json& row : from->rows) {
    watch_.row(row);
    const std::string& kind = row.at("t").get_ref<const std::string&>();
    if (kind == "replay" && row.at("step") == from->state.linked())
      chain_.resume(row.at("link").get<std::string>());
    if (kind == "train") loss_ = row.at("loss");
    if (kind == "valid") valid_loss_ = row.at("loss");
  }
  resumed_from_ = from->attempt;
  step_ = from->state.step;
  owed_ = from->state.owed;
  seconds_before_ = from->state.seconds;
  open_recorder(step_, from->rows);
  return true;
}

void CellRun::open_recorder(std::optional<std::int64_t> resumed_from, std::span<const Json> rows) {
  if (is_first())
    recorder_.emplace(request_.folder, resumed_from, rows);
  else
    recorder_.emplace();
}

namespace {

/// Their own, or their patterns.
std::vector<std::string> names_of_groups(const Method& method) {
  std::vector<std::string> names;
  for (const Json& group : method.resolved.at("groups"))
    names.push_back(group.value("name", group.at("parameters").get<std::string>()));
  return names;
}

}  // namespace

void CellRun::begin() {
  if (request_.document.contains("from")) start_from(learner_, setup_.given_weights(request_));
  events();
  recorder_->replay_tensors(chain_.tensors());
  recorder_->groups(names_of_groups(setup_.method));
  owed_ = {.validation = true, .measures = true};
}

CellResult CellRun::stop() {
  const std::int64_t how = meet(ranks_, asked());
  if (how < 2) checkpoint();
  (void)meet(ranks_);
  return result(Outcome::stopped, how == 0   ? "state saved before the time limit"
                                  : how == 1 ? "state saved"
                                             : "state not saved");
}

CellResult CellRun::result(Outcome outcome, std::string reason) const {
  CellResult out{outcome, std::move(reason), valid_loss_, step_};
  if (pace_.longest(Pace::checkpoint) > 0 && step_ > first_step_)
    out.least_seconds = started_ + pace_.longest(Pace::step) + pace_.longest(Pace::checkpoint);
  return out;
}

std::vector<core::Series> CellRun::evaluations() {
  std::vector<core::Series> out;
  if (!evaluation_) return out;
  for (const TaskResult& result :
       evaluation_->run(realized_weights(learner_), kItemLimit, Normalization::bytes))
    for (core::Series& series : series_of(result, step_)) out.push_back(std::move(series));
  return out;
}

void CellRun::checkpoint() {
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

void CellRun::drop_older_checkpoints() {
  if (dropped_) return;
  std::error_code ignored;
  for (const std::filesystem::path& attempt : request_.earlier)
    if (attempt != resumed_from_) std::filesystem::remove(checkpoint_path(attempt), ignored);
  dropped_ = true;
}

}  // namespace isorbit::experiments
