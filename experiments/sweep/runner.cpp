#include "experiments/sweep/runner.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "core/linalg/linalg.hpp"
#include "experiments/data/shared_sources.hpp"
#include "experiments/sweep/cell_lock.hpp"
#include "experiments/sweep/cell_queue.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/processors.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

/// The cell that a cell starts from, as far as its folder can be found.
Cell source_of(const Cell& cell) {
  Cell source;
  source.seed = cell.seed;
  source.id = cell.from->id;
  source.folder = cell.from->folder;
  return source;
}

/// The file of weights that a cell starts from.
std::filesystem::path start_of(const std::filesystem::path& sweep_folder, const Cell& cell) {
  return cell.from->id.empty() ? cell.from->file : weights_path(locate(sweep_folder, source_of(cell)));
}

int stop_asked(const RunRequest& request) { return request.stop == nullptr ? 0 : request.stop->load(); }

/// The missing cells, taken one by one by every job. The mutex guards all of it, and the observer.
class Pool {
 public:
  Pool(CellQueue missing, const RunRequest& request, RunObserver& observer)
      : missing_(std::move(missing)), request_(request), observer_(observer) {}

  /// Takes cells until there are no more.
  void work() {
    while (const auto turn = next()) {
      try {
        run(*turn);
      } catch (...) {
        tell([&] { missing_.leave(*turn->cell); });
        throw;
      }
    }
  }

  /// Of the cells that were missing.
  [[nodiscard]] RunSummary summary() const {
    RunSummary out = counts_;
    out.left += missing_.untouched();
    out.stopped = out.left > 0 && stop_asked(request_) != 0;
    return out;
  }

 private:
  /// The next cell; waits for one that others at work will make ready.
  std::optional<CellQueue::Turn> next() {
    std::unique_lock lock(mutex_);
    while (true) {
      const bool halted = request_.fail_fast && counts_.failed > 0;
      if (halted || stop_asked(request_) != 0) return std::nullopt;
      if (auto turn = missing_.next()) return turn;
      if (!missing_.waits()) return std::nullopt;
      changed_.wait(lock);
    }
  }

  void run(const CellQueue::Turn& turn) {
    const Cell& cell = *turn.cell;
    const std::filesystem::path folder = locate(request_.folder, cell);
    CellResult result;
    try {
      const std::optional<CellLock> lock = CellLock::take(folder);
      if (!lock) {
        tell([&] { ++counts_.busy, missing_.leave(cell), observer_.busy(cell); });
        return;
      }
      if (is_complete(folder, cell.id)) {  // finished by another process meanwhile
        tell([&] { ++counts_.complete, missing_.complete(cell); });
        return;
      }
      tell([&] { observer_.begin(cell, ++begun_, missing_.size()); });
      result = turn.refusal.empty() ? train(cell, folder) : refuse(folder, turn.refusal);
    } catch (const std::system_error& error) {
      result = {Outcome::failed, error.what(), 0, 0};
    }
    tell([&] { count(cell, result); });
  }

  static CellResult refuse(const std::filesystem::path& folder, const std::string& reason) {
    keep_reason(folder, reason);
    return {Outcome::failed, reason, 0, 0};
  }

  CellResult train(const Cell& cell, const std::filesystem::path& folder) {
    CellRequest wanted;
    wanted.document = cell.document;
    wanted.folder = folder;
    wanted.data_dir = request_.data_dir;
    if (cell.from) wanted.from = start_of(request_.folder, cell);
    wanted.argv = request_.argv;
    wanted.sources = &sources_;
    halt(stop_asked(request_));
    wanted.stop = request_.fail_fast ? &halt_ : request_.stop;
    wanted.progress = [&](const Progress& progress) {
      halt(stop_asked(request_));
      tell([&] { observer_.step(cell, progress); });
    };
    wanted.note = [&](const std::string& text) { tell([&] { observer_.note(cell, text); }); };
    std::error_code nothing_there;
    std::filesystem::remove(folder / "failed.json", nothing_there);  // of an earlier attempt
    try {
      return request_.run(wanted);
    } catch (const std::exception& error) {
      return refuse(folder, error.what());
    }
  }

  void count(const Cell& cell, const CellResult& result) {
    observer_.end(cell, result);
    ++counts_.ran;
    if (result.outcome == Outcome::complete) ++counts_.complete, missing_.complete(cell);
    if (result.outcome == Outcome::stopped) ++counts_.left, missing_.leave(cell);
    if (result.outcome != Outcome::failed) return;
    ++counts_.failed;
    missing_.fail(cell, result.reason);
    if (request_.fail_fast) halt(1);
  }

  /// At least so much of a stop for the cells at work.
  void halt(int asked) {
    int before = halt_.load();
    while (before < asked && !halt_.compare_exchange_weak(before, asked)) {
    }
  }

  template <class Body>
  void tell(const Body& body) {
    const std::scoped_lock lock(mutex_);
    body();
    changed_.notify_all();
  }

  CellQueue missing_;
  const RunRequest& request_;
  RunObserver& observer_;
  SharedSources sources_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> halt_ = 0;
  std::size_t begun_ = 0;
  RunSummary counts_;
};

/// Several threads, each bound to the processors of its job.
void work_side_by_side(Pool& pool, std::size_t jobs, std::size_t threads, std::span<const int> processors) {
  core::use_one_blas_thread();  // a setting of the process: not while another cell is at work
  std::vector<std::exception_ptr> errors(jobs);
  {
    std::vector<std::jthread> at_work;
    for (std::size_t job = 0; job < jobs; ++job)
      at_work.emplace_back([&, job] {
        try {
          if (processors.size() >= jobs * threads) run_on(processors.subspan(job * threads, threads));
          pool.work();
        } catch (...) {
          errors[job] = std::current_exception();
        }
      });
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace

int RunSummary::exit_code() const {
  if (stopped) return 75;
  return failed + busy + left > 0 ? 1 : 0;
}

std::size_t threads_of(const Cell& cell) {
  return cell.document.at("training").at("threads").get<std::size_t>();
}

bool has_source(const std::filesystem::path& sweep_folder, const Cell& cell) {
  return !cell.from || cell.from->id.empty() ||
         is_complete(locate(sweep_folder, source_of(cell)), cell.from->id);
}

RunSummary run_cells(std::span<const Cell> cells, const RunRequest& request, RunObserver& observer) {
  std::size_t complete = 0, threads = 1;
  std::vector<const Cell*> missing;
  for (const Cell& cell : cells) {
    if (is_complete(locate(request.folder, cell), cell.id))
      ++complete;
    else
      missing.push_back(&cell);
  }
  const std::size_t jobs = std::min(request.jobs, missing.size());
  if (jobs > 1) {
    sort_by_cost(missing);
    for (const Cell* cell : missing) threads = std::max(threads, threads_of(*cell));
  }
  const auto source_is_there = [&](const Cell& cell) { return has_source(request.folder, cell); };
  Pool pool(CellQueue(std::move(missing), source_is_there), request, observer);
  if (jobs > 1)
    work_side_by_side(pool, jobs, threads, request.processors);
  else
    pool.work();
  RunSummary summary = pool.summary();
  summary.complete += complete;
  return summary;
}

}  // namespace isorbit::experiments
