#include "experiments/sweep/kept_plans.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/document/digest.hpp"
#include "core/record/durable_file.hpp"
#include "experiments/sweep/freeze.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/result.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;
using core::shown;

constexpr std::size_t kDigits = 16;

std::string digits_of(const std::string& sha256) { return sha256.substr(0, kDigits); }

fs::path kept_in(const fs::path& folder, const std::string& digits) { return folder / "plans" / digits; }

struct KeptPlan {
  std::string digits;
  Sweep sweep;
};

struct KnownPlans {
  bool has_today = false;       // then it is the first
  std::vector<KeptPlan> plans;  // each once
};

[[noreturn]] void refuse(const fs::path& plan, std::string found, std::string because, std::string advice) {
  throw core::DocumentError({{plan.string(),
                              {},
                              "",
                              std::move(found),
                              "what isorbit run wrote",
                              std::move(because) + "; " + std::move(advice),
                              {}}});
}

/// The names under plans/ in order; none where there is no such folder.
std::vector<std::string> kept_names(const fs::path& folder) {
  std::vector<std::string> names;
  if (!fs::exists(folder / "plans")) return names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "plans"))
    if (fs::exists(manifest_path(entry.path()))) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

KeptPlan read_kept(const fs::path& folder, const std::string& digits) {
  const fs::path plan = manifest_path(kept_in(folder, digits));
  if (digits_of(core::sha256_file(plan)) != digits)
    refuse(plan, "a plan that is not the one it was", "its SHA-256 is not that in its name",
           "put it back from a copy, or remove " + kept_in(folder, digits).string() +
               ", and what ran of it alone is known no more");
  return {digits, read_manifest(kept_in(folder, digits))};
}

/// Today's as far as it can be read: a damaged one is known where every plan is kept.
std::optional<KeptPlan> read_today(const fs::path& folder, bool others_are_kept) {
  const fs::path plan = manifest_path(folder);
  if (!fs::exists(plan)) return std::nullopt;
  const std::string digits = digits_of(core::sha256_file(plan));
  try {
    return KeptPlan{digits, read_manifest(folder)};
  } catch (const core::DocumentError& error) {
    if (others_are_kept) return std::nullopt;
    refuse(plan, "a plan that cannot be read",
           error.problems().front().text() + ", and without it nobody knows on which data this was begun",
           "put it back from a copy, or begin anew in another folder with -o");
  }
}

KnownPlans known_plans(const fs::path& folder) {
  KnownPlans out;
  const std::vector<std::string> kept = kept_names(folder);
  if (std::optional<KeptPlan> today = read_today(folder, !kept.empty())) {
    out.has_today = true;
    out.plans.push_back(std::move(*today));
  }
  for (const std::string& digits : kept)
    if (!out.has_today || out.plans.front().digits != digits) out.plans.push_back(read_kept(folder, digits));
  return out;
}

void check_data(const fs::path& folder, const KnownPlans& known, const Sweep& sweep) {
  std::map<std::string, std::string> begun;
  for (const KeptPlan& plan : known.plans)
    for (const Cell& cell : plan.sweep.cells)
      if (!cell.facts.data_sha256.empty()) begun.emplace(cell.facts.data, cell.facts.data_sha256);
  core::Problems problems;
  std::set<std::string> said;
  for (const Cell& cell : sweep.cells) {
    const auto before = begun.find(cell.facts.data);
    if (before == begun.end() || before->second == cell.facts.data_sha256) continue;
    if (!said.insert(cell.facts.data).second) continue;
    problems.add(
        {manifest_path(folder).string(),
         {},
         "",
         "data " + shown(Json(cell.facts.data)) + " of SHA-256 " + cell.facts.data_sha256.substr(0, 8),
         "that of " + before->second.substr(0, 8) + ", which the sweep was begun with",
         "runs on different data cannot be compared; put the old files back, or begin anew in another "
         "folder with -o",
         {}});
  }
  problems.throw_if_any();
}

/// Writes a plan that is not kept yet, after `documents` has.
template <class Documents>
void keep(const fs::path& kept, std::string_view text, const Documents& documents) {
  const fs::path plan = manifest_path(kept);
  if (fs::exists(plan) && digits_of(core::sha256_file(plan)) == kept.filename()) return;
  fs::create_directories(kept);
  documents();
  core::write_durably(plan, text);
}

bool is_begun(const fs::path& cell_folder) {
  return fs::exists(done_path(cell_folder)) || !attempts_in(cell_folder).empty();
}

}  // namespace

void check_data(const fs::path& folder, const Sweep& sweep) {
  check_data(folder, known_plans(folder), sweep);
}

void begin_plan(const fs::path& folder, const Sweep& sweep, const SweepRequest& request) {
  const KnownPlans known = known_plans(folder);
  check_data(folder, known, sweep);
  if (known.has_today) {  // of a folder that was begun before plans were kept it is not
    const std::vector<std::byte> bytes = core::read_bytes(manifest_path(folder));
    keep(kept_in(folder, known.plans.front().digits),
         {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, [] {});
  }
  const std::string text = manifest_text(sweep), digits = digits_of(core::sha256_hex(text));
  keep(kept_in(folder, digits), text, [&] {
    if (!fs::is_regular_file(request.file)) return;  // a pipe has been read
    fs::create_directories(kept_in(folder, digits) / "documents");
    freeze(request, kept_in(folder, digits) / "documents");
  });
  if (!known.has_today || known.plans.front().digits != digits) write_manifest(folder, sweep);
}

std::vector<Cell> earlier_cells(const SweepFolder& folder, const std::vector<Cell>& today) {
  std::set<std::string> known;
  for (const Cell& cell : today) known.insert(cell.id);
  std::vector<Cell> out;
  KnownPlans plans = known_plans(folder.path());
  for (KeptPlan& plan : plans.plans)
    for (Cell& cell : plan.sweep.cells) {
      if (!known.insert(cell.id).second || !is_begun(folder.of(cell))) continue;
      cell.plan = plan.digits;
      out.push_back(std::move(cell));
    }
  return out;
}

}  // namespace isorbit::experiments
