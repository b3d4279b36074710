#include "experiments/training/trainer.hpp"

#include <optional>

#include "experiments/training/cell_run.hpp"
#include "experiments/training/failure.hpp"

namespace isorbit::experiments {
namespace {

/// Whether the cell belongs to somebody else, and to whom.
std::optional<std::string> superseded(const CellRequest& request) {
  try {
    if (request.fence) request.fence();
  } catch (const Superseded& error) {
    return error.what();
  }
  return {};
}

/// So that ranks that are well need not wait for this one.
void tell_others(const CellRequest& request, const std::exception& error) {
  const bool is_theirs = dynamic_cast<const OtherRankFailed*>(&error) != nullptr;
  if (request.ranks != nullptr && !is_theirs) tell_failure(*request.ranks, error.what());
}

}  // namespace

CellResult run_cell(const CellRequest& request) {
  const bool is_first = request.ranks == nullptr || request.ranks->rank() == 0;
  std::optional<CellRun> run;
  try {
    if (is_first) std::filesystem::create_directories(request.folder);
    run.emplace(request);
    return run->run();
  } catch (const core::DocumentError& error) {
    tell_others(request, error);
    throw;
  } catch (const std::exception& error) {
    tell_others(request, error);
    const std::int64_t step = run ? run->step() : 0;
    if (!is_first) return {Outcome::failed, error.what(), NAN, step};
    if (const std::optional<std::string> by = superseded(request))
      return {Outcome::superseded, *by, NAN, step};
    const Failure failure = failure_of(error, step);
    write_failure(request.folder, failure);
    return {Outcome::failed, failure.reason, NAN, failure.step, failure.kind};
  }
}

}  // namespace isorbit::experiments
