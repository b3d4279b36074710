// Measured on sealed records of HDF5 1.10. A data set with its attributes and scales is some 2.3 kB, a group
// 0.4 kB; columns are compressed, singular values to 0.93 of their bytes, losses and times to 0.9, counters
// to nearly nothing.
#include "experiments/sweep/record_size.hpp"

namespace isorbit::experiments {
namespace {

constexpr double kFile = 40e3;             // data sets that every record has
constexpr double kDocument = 2;            // the resolved document, in the record and in the checkpoint
constexpr double kPerMatrix = 30e3;        // groups and data sets of a matrix: spectrum and measures
constexpr double kStepRow = 40;            // of /train
constexpr double kPerParametrized = 20e3;  // drift, bounds, probes and coverage of one that is parametrized
constexpr double kMeasureRow = 80;         // of a matrix at a snapshot, beside the singular values
constexpr double kEventRow = 60;
constexpr double kLinkRow = 10;        // of /replay, beside its digests
constexpr double kDigest = 2.3;        // of a tensor that moves, a step
constexpr double kLinkInJournal = 90;  // beside four characters a tensor
constexpr double kRowInJournal = 260;  // a step's
constexpr double kRowInMemory = 1500;  // the same as parsed JSON

}  // namespace

RecordSize record_size(const Cell& cell, const UnitCounts& counts) {
  const auto steps = static_cast<double>(counts.steps), snapshots = static_cast<double>(counts.spectra);
  double events = 0;
  for (const EventSet& set : counts.events) events += static_cast<double>(set.times);
  const auto matrices = static_cast<double>(cell.facts.matrices);
  const auto document = static_cast<double>(cell.document.dump().size());
  const double tensors = 1.3 * matrices + 2 * static_cast<double>(cell.facts.parametrized);  // about
  RecordSize size;
  size.file = kFile + kDocument * document + matrices * (kPerMatrix + snapshots * kMeasureRow) +
              static_cast<double>(cell.facts.parametrized) * kPerParametrized + cell.facts.spectra_bytes +
              steps * (kStepRow + kLinkRow + kDigest * tensors) + events * matrices * kEventRow;
  size.journal = steps * (kRowInJournal + kLinkInJournal + 4 * tensors) + snapshots * matrices * 600 +
                 cell.facts.spectra_bytes;
  size.rows_in_memory = steps * kRowInMemory + snapshots * matrices * 4e3 + 2 * cell.facts.spectra_bytes;
  return size;
}

}  // namespace isorbit::experiments
