#include "experiments/sweep/calibration.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "experiments/distributed/rank_model.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/timing/process_memory.hpp"
#include "experiments/timing/scratch_folder.hpp"
#include "experiments/timing/step_times.hpp"
#include "experiments/timing/stopwatch.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/replay_chain.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::int64_t kMostSteps = 40;
constexpr double kStepShare = 0.7;  // of the budget

template <class Body>
double timed(const Body& body) {
  const Stopwatch watch;
  body();
  return watch.seconds();
}

class Calibration {
 public:
  explicit Calibration(const CalibrationRequest& request)
      : request_(request), expected_(request.expected), scratch_(request.scratch) {
    (void)forget_peak();
    before_ = static_cast<double>(resident_bytes());
  }

  UnitCosts run() {
    for (const auto part : {&Calibration::set_up, &Calibration::validate, &Calibration::steps})
      time_part(part);
    const double grown = rise();
    const bool counts = forget_peak();
    before_ = static_cast<double>(resident_bytes());
    for (const auto part : {&Calibration::spectra, &Calibration::events, &Calibration::checkpoint})
      time_part(part);
    sizes();
    if (!counts) return costs_;
    costs_.memory = std::max(costs_.memory, grown + compared_);
    costs_.workspace = std::max(0.0, rise() - compared_);
    return costs_;
  }

 private:
  /// Bytes the process has held at most beyond those it held before.
  double rise() const { return std::max(0.0, static_cast<double>(peak_bytes()) - before_); }
  double left() const { return request_.seconds - watch_.seconds(); }
  void time_part(void (Calibration::*part)()) {
    (this->*part)();
    if (request_.stop != nullptr && request_.stop->load() != 0) throw CalibrationStopped();
  }
  Learner& learner() { return rehearsal_->learner(); }

  void set_up() {
    costs_.setup = timed([&] {
      core::Model model = read_rank_model(request_.document, every_op());
      Method method = read_method_for(model, {"method", request_.document.at("method"), {}});
      rehearsal_.emplace(std::move(model), std::move(method), every_op(),
                         compute_from(request_.document.at("training")));
    });
  }

  void validate() {
    const auto batch = [&] {
      return timed([&] {
        rehearsal_->fill(learner().valid_inputs(), 0);
        (void)learner().validate();
      });
    };
    costs_.validation = batch();
    std::vector<double> again;
    while (again.size() < 5 && costs_.validation < 0.05 * left()) again.push_back(batch());
    if (!again.empty()) costs_.validation = median_of(again);
  }

  void steps() {
    StepPlan plan{kMostSteps, 1, false, kStepShare * std::max(0.0, left()), request_.stop};
    costs_.step = time_steps(*rehearsal_, plan).median(&StepTime::total) * 1e-3;
    ReplayChain chain(learner());
    std::vector<double> links;
    for (std::int64_t i = 0; i < 3; ++i) links.push_back(timed([&] { (void)chain.next(i, 0); }));
    costs_.step += median_of(links);
  }

  /// The first round computes what parametrized weights start from too.
  void spectra() {
    const double expected = expected_.spectra + expected_.bases;
    if (!(expected < left()) || !(expected > 0)) return;
    Recorder recorder(scratch_.path(), std::nullopt);
    const double ratio = time_spectra(*rehearsal_, recorder) * 1e-3 / expected;
    costs_.spectra = ratio * expected_.spectra;
    costs_.bases = ratio * expected_.bases;
    if (costs_.spectra < 0.1 * left()) costs_.spectra = time_spectra(*rehearsal_, recorder) * 1e-3;
  }

  /// The first time an event may compile, the later ones do not: a cell has several of most.
  void events() {
    planned_ = static_cast<double>(learner().planned_bytes());
    for (const EventSet& set : request_.counts.events) {
      if (!(expected_.event < left())) break;
      try {
        costs_.events[set.due] = event(set);
      } catch (const std::runtime_error&) {  // a tolerance that random batches break
      }
    }
    const double probe = static_cast<double>(learner().planned_bytes()) - planned_;
    const auto logits = rehearsal_->model().graph.output("logits");
    if (probe > 0 && logits)
      compared_ = probe + 2 * static_cast<double>(rehearsal_->model().graph.value(*logits).type.bytes());
    if (costs_.events.empty()) return;
    costs_.event = 0;
    for (const auto& [due, seconds] : costs_.events)
      costs_.event += seconds / static_cast<double>(costs_.events.size());
  }

  /// Mean of so many.
  double event(const EventSet& set) {
    const auto once = [&] { return timed([&] { run_events_at(*rehearsal_, set.first); }); };
    const double first = once();
    if (set.times < 2 || first > 0.1 * left()) return first;
    const auto times = static_cast<double>(set.times);
    return (first + (times - 1) * std::min(once(), first)) / times;
  }

  void checkpoint() {
    if (!(expected_.checkpoint < std::max(0.2, left()))) return;
    const std::filesystem::path file = scratch_.path() / "checkpoint.safetensors";
    costs_.checkpoint = timed([&] {
      write_checkpoint(file, learner(), {"", 0, 0, {}, request_.document.dump()});
    });
    costs_.checkpoint_bytes = static_cast<double>(std::filesystem::file_size(file));
  }

  void sizes() {
    for (const core::Step& step : learner().program().steps()) {
      costs_.flops += step.flops;
      costs_.traffic += step.bytes;
    }
    const bool all_events = costs_.events.size() == request_.counts.events.size();
    costs_.memory = planned_ + compared_;
    if (!all_events) costs_.memory = std::max(costs_.memory, expected_.memory);
    if (costs_.checkpoint_bytes == 0) costs_.checkpoint_bytes = expected_.checkpoint_bytes;
    costs_.workspace = expected_.workspace;
    costs_.weights_bytes = expected_.weights_bytes;
  }

  const CalibrationRequest& request_;
  const UnitCosts& expected_;
  ScratchFolder scratch_;
  std::optional<Rehearsal> rehearsal_;
  UnitCosts costs_;
  double before_ = 0;    // bytes held
  double planned_ = 0;   // bytes, without what events add
  double compared_ = 0;  // bytes of logits that events compare, and of their program
  Stopwatch watch_;
};

}  // namespace

UnitCosts calibrate(const CalibrationRequest& request) { return Calibration(request).run(); }

double least_seconds(const UnitCosts& expected) {
  return expected.setup + 2 * expected.step + expected.validation;
}

}  // namespace isorbit::experiments
