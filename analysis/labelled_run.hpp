// A run of a sweep as analysis sees it: what it is called, and its record where there is one.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/record/run_file.hpp"

namespace isorbit::analysis {

struct RunLabel {
  std::string cell_id;
  std::string arm;
  /// Values that vary in the sweep: ("method.block_size", "64"). Names beginning with "method." are an arm's
  /// tuning.
  std::vector<std::pair<std::string, std::string>> changed;
  std::int64_t seed = 0;
  std::optional<double> unigram_entropy;  // of the validation targets, nats
  std::string model = {};                 // tells models apart
};

/// `load` reads the record; empty for a run that is not complete.
struct LabelledRun {
  RunLabel label;
  std::function<core::RunRecord()> load;
};

}  // namespace isorbit::analysis
