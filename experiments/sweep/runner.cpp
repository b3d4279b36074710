#include "experiments/sweep/runner.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>

#include "core/linalg/linalg.hpp"
#include "experiments/sweep/cell_pool.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/processors.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/sweep/status.hpp"

namespace isorbit::experiments {
namespace {

/// Several threads, each bound to the processors of its job.
void work_side_by_side(CellPool& pool, std::size_t jobs, std::size_t threads,
                       std::span<const int> processors) {
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

/// What a run has to do with its cells.
struct Sorted {
  std::vector<const Cell*> missing;
  std::vector<std::pair<const Cell*, Failure>> untold;  // it cannot be told whether they are complete
  std::size_t complete = 0, left_failed = 0, left = 0;
};

Sorted sort(std::span<const Cell> cells, const SweepFolder& folder, bool retry) {
  Sorted out;
  for (const Cell& cell : cells) {
    try {
      if (is_complete(locate(folder, cell), cell.id)) {
        ++out.complete;
        continue;
      }
      const std::optional<Failure> before = last_failure(folder, cell);
      const bool own = before && repeats(before->kind);
      if (own == retry)
        out.missing.push_back(&cell);
      else
        ++(own ? out.left_failed : out.left);
    } catch (const std::exception& error) {
      out.untold.emplace_back(&cell, failure_of(error));
    }
  }
  return out;
}

/// Those of which nothing can be told fail, and with them what starts from them.
CellQueue queue_of(const Sorted& sorted, const SweepFolder& folder) {
  std::vector<const Cell*> cells = sorted.missing;
  for (const auto& [cell, failure] : sorted.untold) cells.push_back(cell);
  CellQueue queue(std::move(cells), [&](const Cell& cell) { return has_source(folder, cell); });
  for (const auto& [cell, failure] : sorted.untold) queue.refuse(*cell, failure.reason);
  return queue;
}

}  // namespace

int RunSummary::exit_code() const {
  if (stopped) return 75;
  return failed + left_failed + busy + left > 0 ? 1 : 0;
}

std::size_t threads_of(const Cell& cell) {
  return cell.document.at("training").at("threads").get<std::size_t>();
}

bool has_source(const SweepFolder& sweep_folder, const Cell& cell) {
  if (!cell.from || cell.from->id.empty()) return true;
  const CellState source = state_of(sweep_folder, source_of(cell));
  return source == CellState::done || source == CellState::unknown;  // the cell that reads it says why
}

RunSummary run_cells(std::span<const Cell> cells, const RunRequest& request, RunObserver& observer) {
  const SweepFolder folder(request.folder);
  std::size_t threads = 1;
  Sorted sorted = sort(cells, folder, request.retry);
  const std::size_t jobs = std::min(request.jobs, sorted.missing.size());
  if (jobs > 1) {
    sort_dearest_first(sorted.missing, [&](const Cell& cell) {
      return request.forecast == nullptr ? 0 : request.forecast->seconds_of(cell);
    });
    for (const Cell* cell : sorted.missing) threads = std::max(threads, threads_of(*cell));
  }
  for (const auto& [cell, failure] : sorted.untold)
    observer.end(*cell, {Outcome::failed, failure.reason, 0, failure.step, failure.kind});
  CellPool pool(queue_of(sorted, folder), request, observer);
  if (jobs > 1)
    work_side_by_side(pool, jobs, threads, request.processors);
  else
    pool.work();
  RunSummary summary = pool.summary();
  summary.complete += sorted.complete;
  summary.left_failed = sorted.left_failed;
  summary.left += sorted.left;
  summary.failed += sorted.untold.size();
  return summary;
}

}  // namespace isorbit::experiments
