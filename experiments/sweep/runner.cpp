#include "experiments/sweep/runner.hpp"

#include <algorithm>
#include <exception>
#include <thread>

#include "core/linalg/linalg.hpp"
#include "experiments/sweep/cell_pool.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/processors.hpp"
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
  std::size_t complete = 0, left_failed = 0, threads = 1;
  std::size_t left = 0;
  std::vector<const Cell*> missing;
  const SweepFolder folder(request.folder);
  for (const Cell& cell : cells) {
    if (state_of(folder, cell) == CellState::done) {
      ++complete;
      continue;
    }
    const std::optional<Failure> before = last_failure(folder, cell);
    const bool own = before && repeats(before->kind);
    if (own == request.retry)
      missing.push_back(&cell);
    else
      ++(own ? left_failed : left);
  }
  const std::size_t jobs = std::min(request.jobs, missing.size());
  if (jobs > 1) {
    sort_dearest_first(missing, [&](const Cell& cell) {
      return request.forecast == nullptr ? 0 : request.forecast->seconds_of(cell);
    });
    for (const Cell* cell : missing) threads = std::max(threads, threads_of(*cell));
  }
  const auto source_is_there = [&](const Cell& cell) { return has_source(folder, cell); };
  CellPool pool(CellQueue(std::move(missing), source_is_there), request, observer);
  if (jobs > 1)
    work_side_by_side(pool, jobs, threads, request.processors);
  else
    pool.work();
  RunSummary summary = pool.summary();
  summary.complete += complete;
  summary.left_failed = left_failed;
  summary.left += left;
  return summary;
}

}  // namespace isorbit::experiments
