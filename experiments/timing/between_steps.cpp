// Events are timed once for every set of them that falls due together, after one unmeasured round (what the
// first merge computes and keeps is not paid again), and weighted by how often that set falls due.
#include <numeric>

#include "experiments/timing/event_sets.hpp"
#include "experiments/timing/scratch_folder.hpp"
#include "experiments/timing/step_times.hpp"
#include "experiments/timing/stopwatch.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/learner_scope.hpp"
#include "experiments/training/measurement.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::int64_t kLongestCycle = 100000;  // steps after which cadences are taken to repeat
constexpr int kRows = 100;

/// Steps between spectra where a sweep does not say.
std::int64_t default_spectra_cadence() {
  const core::Document document{"training", {{"steps", 1}}, {}};
  core::Problems problems;
  const core::Json training =
      core::resolve(document.root, training_spec(), {&document, "", nullptr}, problems);
  return training.at("spectra_every").get<std::int64_t>();
}

}  // namespace

double time_spectra(Rehearsal& rehearsal, Recorder& recorder) {
  const analysis::MeasureSet measures;
  const Stopwatch watch;
  measure_weights(rehearsal.learner(), measures, kRows, recorder);
  recorder.sync();
  return watch.milliseconds();
}

double time_events(Rehearsal& rehearsal) {
  Learner& learner = rehearsal.learner();
  std::vector<const EventWord*> events = events_of(learner.method());
  std::erase_if(events, [](const EventWord* event) { return event->every == 0; });
  std::int64_t cycle = 1;
  for (const EventWord* event : events) cycle = std::min(std::lcm(cycle, event->every), kLongestCycle);
  double total = 0;
  for (const EventSet& set : event_sets(events, 1, cycle)) {
    run_events_at(rehearsal, set.first);
    const Stopwatch watch;
    run_events_at(rehearsal, set.first);
    total += watch.milliseconds() * static_cast<double>(set.times);
  }
  return total / static_cast<double>(cycle);
}

RecordTime time_record(Rehearsal& rehearsal) {
  Learner& learner = rehearsal.learner();
  const ScratchFolder folder;
  Recorder recorder(folder.path(), std::nullopt);
  const std::vector<double> rates = learner.learning_rates(0, 1);
  RecordTime time;
  const Stopwatch watch;
  for (int i = 1; i <= kRows; ++i) recorder.train(i, 1.0, rates, 1.0, i * rehearsal.targets(), 1.0);
  time.row_ms = watch.milliseconds() / kRows;
  time.spectra_ms = time_spectra(rehearsal, recorder);
  time.step_ms = time.row_ms + time.spectra_ms / static_cast<double>(default_spectra_cadence());
  return time;
}

}  // namespace isorbit::experiments
