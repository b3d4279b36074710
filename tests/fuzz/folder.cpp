// The small documents in a sweep's folder: the input as the lease, result and failure of an attempt, as the
// plan of the sweep, and as its list of submitted jobs. Each is read, or taken for damaged.
#include <cmath>

#include "experiments/launchers/slurm.hpp"
#include "experiments/sweep/lease.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/result.hpp"
#include "tests/fuzz/scratch.hpp"

namespace isorbit::fuzz {
namespace {

/// What `read` returns; nothing where it throws the errors a reader may throw.
template <class Read>
auto read_or_nothing(const Read& read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const core::DocumentError& error) {
    check_problems(error);
  } catch (const std::runtime_error& error) {
    claim(is_utf8(error.what()), "an error is UTF-8");
  }
  return std::nullopt;
}

void check_plan(const std::filesystem::path& folder, std::string_view text) {
  scratch_file("folder/plan.json", text);
  const auto plan = read_or_nothing([&] { return experiments::read_manifest(folder); });
  if (!plan) return;
  for (const experiments::Cell& cell : plan->cells) {
    const std::string inside = (folder / cell.folder).lexically_normal().string();
    claim(inside.starts_with((folder / "").string()), "a cell's folder is within the sweep's: " + inside);
  }
  const std::filesystem::path again = Scratch::folder() / "again";
  experiments::write_manifest(again, *plan);
  claim(experiments::manifest_of(experiments::read_manifest(again)) == experiments::manifest_of(*plan),
        "a plan that is written comes back");
}

}  // namespace

void folder(Input input) {
  const std::string_view text = text_of(input);
  const std::filesystem::path folder = Scratch::folder() / "folder";
  check_plan(folder, text);

  const auto look = experiments::look_at_lease(scratch_file("folder/lease", text));
  claim(look.has_value() && (!look->owner || std::isfinite(look->owner->seconds)),
        "a lease holds for a time");
  (void)look->is_free();

  const std::filesystem::path result = scratch_file("folder/result.json", text);
  if (const auto read = read_or_nothing([&] { return experiments::read_result(result); }))
    claim(experiments::attempt_number(read->attempt).has_value(), "a result is that of an attempt");

  scratch_file("folder/failed.json", text);
  const auto failure = experiments::read_failure(folder);
  claim(failure.has_value() && is_utf8(failure->reason), "a failure has a reason");

  const experiments::SlurmFolder jobs{folder};
  scratch_file("folder/" + jobs.jobs().lexically_relative(folder).string(), text);
  (void)read_or_nothing([&] { return experiments::read_submissions(jobs); });
}

}  // namespace isorbit::fuzz
