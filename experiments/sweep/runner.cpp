#include "experiments/sweep/runner.hpp"

#include "core/record/durable_file.hpp"
#include "experiments/sweep/cell_lock.hpp"
#include "experiments/sweep/manifest.hpp"

namespace isorbit::experiments {
namespace {

int stop_asked(const RunRequest& request) { return request.stop == nullptr ? 0 : request.stop->load(); }

/// A failure is on disk whoever threw it, so that status can say why.
void keep_reason(const std::filesystem::path& folder, const std::string& reason) {
  try {
    core::DurableFile file(folder / "failed.json");
    file.write(core::Json{{"reason", reason}}.dump(-1, ' ', false, core::Json::error_handler_t::replace) +
               "\n");
    file.commit();
  } catch (const std::exception&) {
    return;  // a disk that is full for this too; the reason is in the result
  }
}

CellResult run_one(const Cell& cell, const std::filesystem::path& folder, const RunRequest& request,
                   RunObserver& observer) {
  CellRequest wanted;
  wanted.document = cell.document;
  wanted.folder = folder;
  wanted.data_dir = request.data_dir;
  wanted.argv = request.argv;
  wanted.stop = request.stop;
  wanted.progress = [&](const Progress& progress) { observer.step(cell, progress); };
  wanted.note = [&](const std::string& text) { observer.note(cell, text); };
  std::error_code nothing_there;
  std::filesystem::remove(folder / "failed.json", nothing_there);  // of an earlier attempt
  try {
    return request.run(wanted);
  } catch (const std::exception& error) {
    keep_reason(folder, error.what());
    return {Outcome::failed, error.what(), 0, 0};
  }
}

}  // namespace

int RunSummary::exit_code() const {
  if (stopped) return 75;
  return failed + busy + left > 0 ? 1 : 0;
}

RunSummary run_cells(std::span<const Cell> cells, const RunRequest& request, RunObserver& observer) {
  RunSummary summary;
  std::vector<const Cell*> missing;
  for (const Cell& cell : cells) {
    if (is_complete(locate(request.folder, cell), cell.id))
      ++summary.complete;
    else
      missing.push_back(&cell);
  }
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (stop_asked(request) != 0 || (request.fail_fast && summary.failed > 0)) {
      summary.stopped = stop_asked(request) != 0;
      summary.left = missing.size() - i;
      break;
    }
    const Cell& cell = *missing[i];
    const std::filesystem::path folder = locate(request.folder, cell);
    CellResult result;
    try {
      const std::optional<CellLock> lock = CellLock::take(folder);
      if (!lock) {
        ++summary.busy;
        observer.busy(cell);
        continue;
      }
      if (is_complete(folder, cell.id)) {  // finished by another process meanwhile
        ++summary.complete;
        continue;
      }
      observer.begin(cell, i + 1, missing.size());
      result = run_one(cell, folder, request, observer);
    } catch (const std::system_error& error) {
      result = {Outcome::failed, error.what(), 0, 0};
    }
    observer.end(cell, result);
    ++summary.ran;
    if (result.outcome == Outcome::complete) ++summary.complete;
    if (result.outcome == Outcome::failed) ++summary.failed;
    if (result.outcome == Outcome::stopped) {
      summary.stopped = true;
      summary.left = missing.size() - i;
      break;
    }
  }
  return summary;
}

}  // namespace isorbit::experiments
