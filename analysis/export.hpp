// Everything that a sweep has recorded as CSV (RFC 4180, '\n' ends a row), at full resolution. Every table
// begins with
//
//   cell,arm,seed,<changed values>,state     cell: the beginning of its id that no other cell has
//
// and goes on with
//
//   values   series,parameter,layer,kind,index,column,step,value,unit      a row a number
//   steps    step,<series>/<column>...     a row a step; of several rows of a series at a step the last
//   events   step,kind,parameter,layer,<numbers of the event>...           a row an event
//   texts    series,index,column,step,text                                 a row a text that is of no event
//
// `value` and the columns of steps are numbers throughout: floats in the shortest form that reads back equal,
// NaN as `nan`, nothing where there is none. parameter, layer and kind are those of series_name.hpp; index
// counts from 0: the k-th largest singular value, or the item of a task. `state` is "done", or how far the
// run came; what it recorded up to there is exported too. Checksums (replay) are left out.
#pragma once
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "analysis/labelled_run.hpp"

namespace isorbit::analysis {

enum class CsvTable { values, steps, events, texts };

struct ExportOptions {
  CsvTable table = CsvTable::values;
  std::string series = "*";  // a glob over "train/loss", "spectrum/<parameter>", ...: of values and steps
  bool spreadsheet = false;  // as csv_cell's
};

/// What came of it besides the rows.
struct Exported {
  struct Unread {
    RunLabel label;
    std::string reason;
  };
  std::vector<Unread> unread;       // runs whose record cannot be read now, or is damaged
  std::vector<std::string> series;  // that there are, where `options.series` fits none of them
};

/// Writes what the runs have, in order, one in memory at a time (tables of steps and events read each twice);
/// nothing, not even a header, where no series fits. Throws std::runtime_error when `out` fails.
[[nodiscard]] Exported export_csv(std::span<const LabelledRun> runs, const ExportOptions& options,
                                  std::ostream& out);

}  // namespace isorbit::analysis
