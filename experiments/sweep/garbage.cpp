#include "experiments/sweep/garbage.hpp"

#include <sys/stat.h>

#include <chrono>

#include "core/record/unreadable.hpp"
#include "experiments/sweep/lease.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/attempts.hpp"

namespace isorbit::experiments {
namespace {

constexpr int kCheckpoints = 2;  // that a cell may go on from: the newest, and one more should it be damaged

/// Of all files in a folder, or of a file, that have no name elsewhere.
std::uint64_t freed_by(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  if (!S_ISDIR(status.st_mode))
    return status.st_nlink > 1 ? 0 : static_cast<std::uint64_t>(status.st_blocks) * 512;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    bytes += freed_by(at->path());
  return bytes;
}

/// Nobody claims for longer than this.
bool is_old(const std::filesystem::path& path) {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(path, error);
  return !error && std::filesystem::file_time_type::clock::now() - written > std::chrono::minutes(10);
}

void add_abandoned(const std::filesystem::path& folder, std::vector<Garbage>& out) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(".claim.") && !name.starts_with(".clock.")) continue;
    const std::optional<LeaseLook> look = look_at_lease(at->path() / "lease");
    if (look ? look->is_free() || (!look->locked.value_or(false) && is_old(at->path())) : is_old(at->path()))
      out.push_back({at->path(), "a claim that was never made", freed_by(at->path())});
  }
}

}  // namespace

std::vector<Garbage> garbage_of(const SweepFolder& sweep_folder, const Cell& cell, bool failed) {
  const std::filesystem::path folder = locate(sweep_folder, cell);
  std::vector<Garbage> out;
  add_abandoned(folder, out);
  const std::vector<Attempt> attempts = attempts_in(folder);
  if (attempts.empty()) return out;
  const bool complete = is_complete_to_the_byte(folder, cell.id);
  int checkpoints = 0;
  LeaseWatch watch;
  for (const Attempt& attempt : attempts) {
    const auto has = [&](const char* name) { return core::is_there(attempt.folder / name); };
    const bool goes_on_from = has("checkpoint.safetensors") && checkpoints++ < kCheckpoints;
    const bool is_needed = goes_on_from || has("weights.safetensors");
    if (watch.is_alive(attempt.folder / "lease")) continue;
    if (complete)
      out.push_back({attempt.folder, "the cell is complete", freed_by(attempt.folder)});
    else if (attempt.folder != attempts.front().folder && !is_needed && (failed || !has("failed.json")))
      out.push_back({attempt.folder, "later attempts follow it", freed_by(attempt.folder)});
  }
  return out;
}

void remove_garbage(const Garbage& garbage) { std::filesystem::remove_all(garbage.path); }

}  // namespace isorbit::experiments
