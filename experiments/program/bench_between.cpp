// Events are timed once for every set of them that falls due together, after one unmeasured round (what the
// first merge computes and keeps is not paid again), and weighted by how often that set falls due.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <numeric>

#include "experiments/program/bench_timing.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/learner_scope.hpp"
#include "experiments/training/measurement.hpp"

namespace isorbit::experiments {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLongestCycle = 100000;  // steps after which cadences are taken to repeat
constexpr int kRows = 100;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("isorbit-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::vector<const EventWord*> periodic_events(const Method& method) {
  std::vector<const EventWord*> events;
  const auto add = [&](const std::vector<EventWord>& words) {
    for (const EventWord& word : words) {
      if (word.every > 0) events.push_back(&word);
    }
  };
  for (const Group& group : method.groups) add(group.events);
  add(method.events);
  return events;
}

/// Steps between spectra where a sweep does not say.
std::int64_t default_spectra_cadence() {
  const core::Document document{"training", {{"steps", 1}}, {}};
  core::Problems problems;
  const core::Json training =
      core::resolve(document.root, training_spec(), {&document, "", nullptr}, problems);
  return training.at("spectra_every").get<std::int64_t>();
}

}  // namespace

double time_events(BenchSubject& subject) {
  Learner& learner = subject.learner();
  const std::vector<const EventWord*> events = periodic_events(learner.method());
  std::int64_t cycle = 1;
  for (const EventWord* event : events) cycle = std::min(std::lcm(cycle, event->every), kLongestCycle);
  struct Due {
    std::int64_t first = 0, times = 0;
  };
  std::map<std::vector<bool>, Due> sets;
  for (std::int64_t step = 1; step <= cycle && !events.empty(); ++step) {
    std::vector<bool> due;
    for (const EventWord* event : events) due.push_back(event->due(step));
    Due& set = sets[due];
    if (set.times++ == 0) set.first = step;
  }
  sets.erase(std::vector<bool>(events.size(), false));
  const auto run = [&](std::int64_t step) {
    run_events(
        learner, step, [&] { subject.fill(learner.probe_inputs(), 0); }, [](const EventRow&) {});
  };
  double total = 0;
  for (const auto& [due, set] : sets) {
    run(set.first);
    const Clock::time_point start = Clock::now();
    run(set.first);
    total += milliseconds_since(start) * static_cast<double>(set.times);
  }
  return total / static_cast<double>(cycle);
}

RecordTime time_record(BenchSubject& subject) {
  Learner& learner = subject.learner();
  const Folder folder;
  Recorder recorder(folder.path(), std::nullopt);
  const std::vector<double> rates = learner.learning_rates(0, 1);
  RecordTime time;
  Clock::time_point start = Clock::now();
  for (int i = 1; i <= kRows; ++i) recorder.train(i, 1.0, rates, 1.0, i * subject.targets(), 1.0);
  time.row_ms = milliseconds_since(start) / kRows;
  const analysis::MeasureSet measures;
  start = Clock::now();
  measure_weights(learner, measures, kRows, recorder);
  recorder.sync();
  time.spectra_ms = milliseconds_since(start);
  time.step_ms = time.row_ms + time.spectra_ms / static_cast<double>(default_spectra_cadence());
  return time;
}

}  // namespace isorbit::experiments
