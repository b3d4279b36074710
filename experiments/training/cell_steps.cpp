// Steps of a cell: update, measures, events, link, validation; and when to stop between them. Measures come
// before the events of their step, so that what these put right is seen; but behind those of step 0, which
// belong to what training starts from.
#include <algorithm>
#include <exception>

#include "experiments/distributed/provenance.hpp"
#include "experiments/training/cell_run.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/learner_scope.hpp"

namespace isorbit::experiments {

namespace {

constexpr double kSlowDisk = 1e8;  // bytes a second, taken for a checkpoint until one has been written

void clear(const BatchBuffers& buffers) {
  for (const auto& [name, buffer] : buffers)
    std::visit([](auto values) { std::ranges::fill(values, 0); }, buffer);
}

}  // namespace

bool CellRun::due(const char* cadence) const {
  return step_ == steps_ || step_ % training_.at(cadence).get<std::int64_t>() == 0;
}

double CellRun::gradients() {
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

void CellRun::one_step() {
  const Stopwatch watch;
  loss_ = gradients();
  if (!std::isfinite(loss_))
    throw Diverged("the training loss is not finite after step " + std::to_string(step_));
  const std::vector<double> rates = learner_.learning_rates(step_, steps_);
  const double norm = learner_.update(step_, steps_);
  if (!std::isfinite(norm))
    throw Diverged("the gradient norm is not finite at step " + std::to_string(step_ + 1));
  ++step_;
  recorder_->train(step_, loss_, rates, norm, step_ * setup_.targets_per_step, seconds());
  update_seconds_ = watch.seconds();
  owed_ = {.validation = due("validate_every"), .measures = due("spectra_every"), .events = true};
  settle();
  if (owed_.any()) return;
  if (due("checkpoint_every") && step_ < steps_) checkpoint();
  report();
}

void CellRun::settle() {
  if (owed_.measures) measure();
  if (owed_.measures) return;
  if (owed_.events) events();
  if (owed_.validation) validate();
}

bool CellRun::stops(double next) { return meet_alike(wants_to_stop(next)); }

bool CellRun::wants_to_stop(double next) {
  if (!stops_ && asked() == 0 && request_.limit != nullptr) {
    const double known = pace_.longest(Pace::checkpoint);
    const double write = known > 0 ? known : static_cast<double>(learner_.planned_bytes()) / kSlowDisk;
    stops_ = !request_.limit->fits(next + write);
  }
  return stops_ || asked() != 0;
}

void CellRun::events() {
  const Stopwatch watch;
  run_events(
      learner_, step_, [&] { setup_.probe->valid_batch(0, learner_.probe_inputs()); },
      [&](const EventRow& row) { recorder_->event(row); });
  watch_.check(step_);
  link();
  owed_.events = false;
  if (step_ > first_step_) pace_.took(Pace::step, update_seconds_ + watch.seconds());
}

void CellRun::link() {
  link_ = chain_.next(step_, loss_);
  recorder_->replay(step_, link_.link, link_.digests);
  if (request_.link) request_.link(link_);
}

bool CellRun::meet_alike(bool word) {
  if (ranks_.size() == 1) return word;
  const std::uint64_t own = core::checksum(std::as_bytes(std::span(link_.link)));
  const std::vector<std::uint64_t> said = values_of(ranks_, (own & ~std::uint64_t{1}) | (word ? 1 : 0));
  if (std::ranges::all_of(said, [&](std::uint64_t other) { return other >> 1 == said.front() >> 1; }))
    return (said.front() & 1) != 0;
  const std::vector<std::string> digests = texts_of(ranks_, link_.digests);
  throw BrokenInvariant("the ranks' weights differ after step " + std::to_string(step_) + ": " +
                        first_difference(digests, chain_.tensors()));
}

void CellRun::validate() {
  const std::int64_t batches = setup_.source->valid_batches();
  for (; owed_.batches < batches; ++owed_.batches) {
    if (stops(pace_.longest(Pace::validation_batch))) return;
    const Stopwatch watch;
    setup_.source->valid_batch(owed_.batches, learner_.valid_inputs());
    owed_.loss += mean_over(ranks_, learner_.validate()) * setup_.source->valid_share(owed_.batches);
    if (!std::isfinite(owed_.loss)) break;
    pace_.took(Pace::validation_batch, watch.seconds());
  }
  double shares = 0;
  for (std::int64_t batch = 0; batch < batches; ++batch) shares += setup_.source->valid_share(batch);
  valid_loss_ = owed_.loss / shares;
  if (!std::isfinite(valid_loss_))
    throw Diverged("the validation loss is not finite after step " + std::to_string(step_));
  const double bytes = setup_.source->bytes_per_token();
  recorder_->valid(step_, valid_loss_, bytes > 0 ? valid_loss_ / (bytes * std::log(2.0)) : NAN);
  owed_.validation = false;
}

void CellRun::measure() {
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

void CellRun::report() const {
  if (!request_.progress) return;
  const double spent = work_.seconds(), done = static_cast<double>(step_ - first_step_);
  request_.progress({step_, steps_, loss_, valid_loss_,
                     done * static_cast<double>(setup_.targets_per_step) / spent,
                     spent / done * static_cast<double>(steps_ - step_)});
}

}  // namespace isorbit::experiments
