// A sealed record computed again, from its document alone, and compared with it step by step.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "experiments/data/shared_sources.hpp"
#include "experiments/replay/environment.hpp"
#include "experiments/replay/recorded_chain.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

/// A record that cannot be replayed: damaged, changed, without its data or its first weights.
struct ReplayError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ReplayRequest {
  std::filesystem::path file;  // run.h5
  std::filesystem::path data_dir;
  std::filesystem::path weights = {};      // what it starts from, where its document has "from"
  std::optional<int> threads = {};         // in place of the document's
  std::optional<std::int64_t> until = {};  // the last step; none: all
  int ranks = 1;                           // that `run` trains it on, in place of the document's
  core::Seal seal = core::Seal::required;
  std::function<void(const Progress&)> progress = {};
  std::function<CellResult(const CellRequest&)> run = run_cell;
};

struct ReplayReport {
  std::int64_t same = 0;      // steps up to which all is the same; -1: not even the state before step 1
  std::int64_t compared = 0;  // the last step that was computed
  std::int64_t first = 0;     // step of the first disagreements
  std::vector<Disagreement> disagreements;  // of that step, or of the rest of the record; none: the same
  double gap = 0, most = 0;  // of the losses, relative: at the first step that differs, and the largest
  std::int64_t most_step = 0;
  bool stopped = false;
  std::string left_out = {};  // what of the record could not be compared, and why
};

class Replay {
 public:
  /// Reads the record and checks that it is whole and that data and weights are those it was made with.
  /// Throws ReplayError naming the file, DocumentError, and core::NoSeal.
  explicit Replay(ReplayRequest request);

  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(chain_.links.size()) - 1; }
  [[nodiscard]] const std::vector<std::string>& tensors() const { return chain_.tensors; }
  /// All settings, recorded and here.
  [[nodiscard]] const std::vector<Setting>& environment() const { return environment_; }
  [[nodiscard]] bool is_same_environment() const;

  /// Trains in a temporary folder. In the recorded environment it stops at the first difference; else it
  /// goes on, to say how far the losses part. Throws std::runtime_error where the training fails.
  /// `stop`: not 0 stops it.
  [[nodiscard]] ReplayReport run(const std::atomic<int>* stop = nullptr);
  [[nodiscard]] const core::RunRecord& record() const { return record_; }

 private:
  void read();
  void prepare();
  void compare(const ReplayLink& link, ReplayReport& report);

  ReplayRequest request_;
  core::RunRecord record_;
  RecordedChain chain_;
  core::Json document_;
  SharedSources sources_;
  std::vector<Setting> environment_;
  const std::atomic<int>* stop_ = nullptr;
  std::atomic<int> halt_ = 0;
};

}  // namespace isorbit::experiments
