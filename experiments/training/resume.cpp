#include "experiments/training/resume.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/record/journal.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

bool is_kept(const Json& row, std::int64_t step) {
  return row.at("t") != "end" && row.value("step", std::int64_t{0}) <= step;
}

/// The rows up to a state. Throws std::runtime_error where the journal does not reach it.
std::vector<Json> rows_up_to(const std::filesystem::path& attempt, const CheckpointState& state) {
  const std::int64_t step = state.step;
  core::JournalContents journal = core::Journal::read(Recorder::journal_path(attempt));
  check_identity(Recorder::journal_path(attempt), journal.rows, state.cell_id);
  std::int64_t reached = -1;
  for (const Json& row : journal.rows)
    if (row.at("t") == "replay") reached = std::max(reached, row.at("step").get<std::int64_t>());
  if (reached < state.linked())
    throw std::runtime_error("it is of step " + std::to_string(step) +
                             ", but the journal beside it ends at step " + std::to_string(reached) +
                             (journal.whole() ? "" : " (" + journal.damage + ")"));
  std::erase_if(journal.rows, [&](const Json& row) { return !is_kept(row, step); });
  return std::move(journal.rows);
}

}  // namespace

std::optional<Resumption> resume_from(std::span<const std::filesystem::path> attempts, Learner& learner,
                                      const std::string& cell_id,
                                      const std::function<void(const std::string&)>& note) {
  std::vector<std::string> passed;
  std::optional<Resumption> found;
  for (const std::filesystem::path& attempt : attempts) {
    const std::filesystem::path file = checkpoint_path(attempt);
    try {
      std::optional<CheckpointState> state = read_checkpoint(file, learner, cell_id);
      if (!state) continue;
      found = Resumption{attempt, *state, rows_up_to(attempt, *state)};
      break;
    } catch (const std::exception& error) {
      if (core::is_unreadable(error)) throw;
      const std::string what = error.what();
      passed.push_back((what.starts_with(file.string()) ? "" : file.string() + ": ") + what);
    }
  }
  const std::string from =
      found ? "step " + std::to_string(found->state.step) + " of " + found->attempt.filename().string()
            : "the start";
  if (note)
    for (const std::string& text : passed) note(text + "; the cell goes on from " + from);
  return found;
}

}  // namespace isorbit::experiments
