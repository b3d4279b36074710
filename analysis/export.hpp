// Every number of a sweep as CSV (RFC 4180, '\n' ends a row), at full resolution.
//
// long: cell_id,arm,seed,<changed values>,series,step,value
// wide: cell_id,arm,seed,<changed values>,step,<series>...
//
// A series is "<path>/<column>": train/loss, valid/perplexity, measure/<parameter>/<measure>, event/kind, and
// "spectrum/<parameter>/<k>" for the k-th largest singular value, counted from 0. Floats have the shortest
// form that reads back equal, NaN is `nan`, what is not there is empty. Columns are those of the whole sweep.
#pragma once
#include <iosfwd>
#include <span>

#include "analysis/labelled_run.hpp"

namespace isorbit::analysis {

enum class CsvShape { tall, wide };

/// Writes the runs that have a record, in order, one in memory at a time (wide reads each twice). Several
/// rows of a series at one step are several rows, in their order. Throws std::runtime_error when a record
/// cannot be read or `out` fails.
void export_csv(std::span<const LabelledRun> runs, CsvShape shape, std::ostream& out);

/// The shortest decimal that reads back as the same number; nan, inf, -inf.
[[nodiscard]] std::string shortest(double value);
[[nodiscard]] std::string shortest(float value);

}  // namespace isorbit::analysis
