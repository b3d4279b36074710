#include "experiments/sweep/unit_costs.hpp"

#include <algorithm>

#include "experiments/evaluation/evaluate.hpp"

namespace isorbit::experiments {
namespace {

// Measured on finished cells, and small beside the parts that are timed.
constexpr double kSecondsPerRow = 3e-5;    // written to the journal, read again when the record is sealed
constexpr double kSecondsPerRecord = 0.1;  // opening data, HDF5, digests, folders
constexpr std::int64_t kChoices = 4;       // of an item, about

constexpr UnitPart kParts[] = {
    {"setup", &UnitCosts::setup},     {"step", &UnitCosts::step},   {"validation", &UnitCosts::validation},
    {"spectra", &UnitCosts::spectra}, {"bases", &UnitCosts::bases}, {"checkpoint", &UnitCosts::checkpoint},
    {"event", &UnitCosts::event}};

std::int64_t rounds(std::int64_t steps, std::int64_t every) { return 1 + (steps + every - 1) / every; }

}  // namespace

std::span<const UnitPart> unit_parts() { return kParts; }

UnitCounts unit_counts(const Cell& cell, const Method& method) {
  const core::Json& training = cell.document.at("training");
  const auto number = [&](const char* name) { return training.at(name).get<std::int64_t>(); };
  UnitCounts counts;
  counts.steps = number("steps");
  counts.validations = rounds(counts.steps, number("validate_every")) * cell.facts.valid_batches;
  counts.spectra = rounds(counts.steps, number("spectra_every"));
  counts.checkpoints = (counts.steps - 1) / number("checkpoint_every") + 1;
  counts.events = event_sets(events_of(method), 0, counts.steps);
  if (training.contains("evaluate")) {
    const std::int64_t items = static_cast<std::int64_t>(kItemLimit) * kChoices;
    counts.evaluations = static_cast<std::int64_t>(training.at("evaluate").size()) * items /
                         std::max<std::int64_t>(1, cell.facts.batch);
  }
  return counts;
}

double seconds_of(const UnitCosts& costs, const UnitCounts& counts) {
  const auto times = [](std::int64_t n, double seconds) { return static_cast<double>(n) * seconds; };
  const double files = static_cast<double>(counts.checkpoints) +
                       (costs.checkpoint_bytes > 0 ? costs.weights_bytes / costs.checkpoint_bytes
                                                   : 1);  // and the last weights
  double seconds = costs.setup + times(counts.steps, costs.step + kSecondsPerRow) +
                   times(counts.validations + counts.evaluations, costs.validation) +
                   times(counts.spectra, costs.spectra) + costs.bases + files * costs.checkpoint +
                   kSecondsPerRecord;
  for (const EventSet& set : counts.events) {
    const auto known = costs.events.find(set.due);
    seconds += times(set.times, known == costs.events.end() ? costs.event : known->second);
  }
  return seconds;
}

}  // namespace isorbit::experiments
