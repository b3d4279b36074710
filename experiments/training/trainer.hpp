// Trains one cell: a resolved document in, a sealed record out.
#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "core/document/json.hpp"

namespace isorbit::experiments {

class SharedSources;

/// What a progress display is told after every step.
struct Progress {
  std::int64_t step = 0, steps = 0;
  double loss = 0;        // of the last training batch, nats
  double valid_loss = 0;  // last one measured; NaN before
  double tokens_per_second = 0;
  double seconds_left = 0;
};

enum class Outcome { complete, stopped, failed };

struct CellRequest {
  core::Json document;           // resolved: model, method, data, training, seed; from
  std::filesystem::path folder;  // the cell's own; made if missing. Ends with run.h5 in it
  std::filesystem::path data_dir;
  std::filesystem::path from = {};  // the weights it starts from, where the document has "from"
  std::vector<std::string> argv;    // for the record
  std::function<void(const Progress&)> progress = {};
  std::function<void(const std::string&)> note = {};  // what the user should know, a sentence
  SharedSources* sources = nullptr;                   // of the cells beside it; none: its data are its own
  const std::atomic<int>* stop = nullptr;             // 1: checkpoint and stop; 2: stop now
};

struct CellResult {
  Outcome outcome = Outcome::failed;
  std::string reason;     // of a failure
  double valid_loss = 0;  // the last one
  std::int64_t step = 0;
};

/// Runs a cell to its end, from its checkpoint where there is one. A NaN loss, unreadable data or a full disk
/// is a failed outcome with the reason, also written to <folder>/failed.json; wrong documents are
/// DocumentErrors.
[[nodiscard]] CellResult run_cell(const CellRequest& request);

/// True when <folder>/run.h5 is there, whole, and holds this cell (by id).
[[nodiscard]] bool is_complete(const std::filesystem::path& folder, const std::string& cell_id);

}  // namespace isorbit::experiments
