// Trains one cell: a resolved document in, a sealed record out.
#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/document/json.hpp"
#include "experiments/training/cell_cost.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/time_limit.hpp"

namespace isorbit::experiments {

class Communicator;
class SharedSources;
struct ReplayLink;

/// What a progress display is told after every step.
struct Progress {
  std::int64_t step = 0, steps = 0;
  double loss = 0;        // of the last training batch, nats
  double valid_loss = 0;  // last one measured; NaN before
  double tokens_per_second = 0;
  double seconds_left = 0;
};

/// superseded: the cell belongs to somebody else by now; nothing of this attempt was published.
enum class Outcome { complete, stopped, failed, superseded };

/// What a fence throws.
struct Superseded : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct CellRequest {
  core::Json document;           // resolved: model, method, data, training, seed; from
  std::filesystem::path folder;  // the attempt's own, for one process life; made if missing
  std::filesystem::path data_dir;
  std::filesystem::path from = {};  // the weights it starts from, where the document has "from"
  std::vector<std::string> argv;    // for the record
  std::function<void(const Progress&)> progress = {};
  std::function<void(const std::string&)> note = {};  // what the user should know, a sentence
  std::function<void(const ReplayLink&)> link = {};   // of its chain, after step 0 and every update
  SharedSources* sources = nullptr;                   // of the cells beside it; none: its data are its own
  const std::atomic<int>* stop = nullptr;             // 1: checkpoint and stop; 2: stop now
  const TimeLimit* limit = nullptr;                   // stops by itself, as if asked, so that it ends in time
  bool live = true;                                   // readers find its rows in live.h5 while it trains
  std::string id = {};                                // its identity as planned; empty: as its data are now
  std::vector<std::filesystem::path> earlier = {};    // folders of earlier attempts at the cell, newest first
  std::optional<CellForecast> forecast = {};          // for the record, beside what it took
  Communicator* ranks = nullptr;     // that train it together, each with the same request; none: this process
  bool alone = false;                // no other cell in this process: its peak of memory is the cell's
  std::function<void()> fence = {};  // throws Superseded: called before each checkpoint and before the record
};

struct CellResult {
  Outcome outcome = Outcome::failed;
  std::string reason;     // of a failure
  double valid_loss = 0;  // the last one
  std::int64_t step = 0;
  FailureKind kind = FailureKind::internal;  // of a failure
  double least_seconds = 0;  // this life needed for its start, a step and a checkpoint; 0: it had none
};

/// Runs a cell to its end and leaves weights.safetensors, run.h5 and result.json in its attempt's folder.
/// Goes on from the newest checkpoint of an earlier attempt that is whole, of this cell, and covered by the
/// journal beside it; those passed over are notes. A NaN loss, unreadable or changed data, a full disk or
/// memory is a failed outcome with kind and reason, also written to <folder>/failed.json; wrong documents are
/// DocumentErrors. A stop is acted on after the update at work, or between two batches of a validation, or
/// two weights of a measurement: what is left of them is done first when the cell goes on. Of several ranks
/// rank 0 decides and writes; where one fails all do, and weights that differ between them are a failure.
[[nodiscard]] CellResult run_cell(const CellRequest& request);

}  // namespace isorbit::experiments
