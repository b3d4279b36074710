// A run of a sweep as analysis sees it: what it is called, what it stands on, how far it is, and what it has
// recorded.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/record/run_file.hpp"

namespace isorbit::analysis {

/// What decides whether numbers of two runs may be subtracted, and what else tells them apart. Texts without
/// meaning of their own (digests) are compared for equality alone.
struct RunBasis {
  std::string model;              // tells models apart
  std::string corpus, tokenizer;  // as they are called: "austen", "bytes"
  std::string data;               // tells what is trained and validated on apart, tokenizer included
  std::string targets;            // tells apart which targets the validation covers, each with what before it
  std::int64_t steps = 0;         // of the whole run
  std::int64_t tokens = 0;        // targets trained on
};

/// How far a run is.
struct RunState {
  std::string name = "done";  // done, running, stopped, failed, planned; unknown: it cannot be told
  std::string happened = {};  // what stands where a number would: "diverged at step 62", "missing"
  std::string reason = {};    // a sentence, where there is one
};

struct RunLabel {
  std::string cell_id;
  std::string arm;
  /// Values that vary in the sweep: ("method.block_size", "64"). Names beginning with "method." are an arm's
  /// tuning.
  std::vector<std::pair<std::string, std::string>> changed;
  std::int64_t seed = 0;
  std::optional<double> unigram_entropy;  // of the validation targets, nats
  RunBasis basis = {};
  RunState state = {};
  std::string short_id = {};  // the beginning of cell_id that no other run of the sweep has
  std::string run = {};       // equal for runs that compute the same (same_run.hpp); empty: not known
  std::vector<std::string> idle = {};  // what does nothing in it: "never rescales in 20 steps"
};

/// `load` reads what was recorded: the record of a run that is done, else as far as it came; empty where
/// nothing was. It throws std::system_error or std::bad_alloc where that cannot be told, and another
/// std::runtime_error where the file is damaged.
struct LabelledRun {
  RunLabel label;
  std::function<core::RunRecord()> load;
};

}  // namespace isorbit::analysis
