#include "experiments/sweep/status.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <system_error>

#include "core/document/json_line.hpp"
#include "core/record/journal.hpp"
#include "core/record/run_file.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/lease.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/sweep/rows.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/sweep/time_left.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/result.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

constexpr std::size_t kMostPlanned = 40;  // lines of cells of which there is nothing to say

std::optional<double> number(const Json& row, const char* name) {
  const auto it = row.find(name);
  if (it == row.end() || !it->is_number()) return {};
  return it->get<double>();
}

void read_journal(const std::filesystem::path& file, const std::string& cell_id, CellStatus& status) {
  const std::vector<Json> rows = core::Journal::read(file).rows;
  check_identity(file, rows, cell_id);
  for (const Json& row : rows) {
    if (!row.is_object()) continue;
    const std::string kind = row.value("t", std::string());
    if (kind == "train") {
      status.step = static_cast<std::int64_t>(number(row, "step").value_or(0));
      status.loss = number(row, "loss");
    } else if (kind == "valid") {
      status.valid_loss = number(row, "loss");
    }
  }
}

/// What done.json says; where it does not have the last loss, as those of before did not, the record has.
void read_result_of(const std::filesystem::path& folder, const std::string& cell_id, CellStatus& status) {
  const Result result = read_result(done_path(folder));
  status.step = result.step;
  status.loss = result.loss;
  if (!std::isnan(result.metric)) status.valid_loss = result.metric;
  if (status.loss) return;
  const core::RunRecord record = read_cell_run(folder / "run.h5", cell_id);
  const core::Series* train = record.find("train");
  if (train == nullptr || train->find("loss") == nullptr || train->at("loss").size() == 0) return;
  status.loss = train->at("loss").doubles().back();
}

/// What run it is the same as, why it failed, who works on it, and whether that one has been heard of lately.
std::string remark(const CellStatus& s, const std::string& same) {
  std::string text = (s.kind.empty() ? "" : s.kind + ": ") + s.reason;
  if (!same.empty()) text = same + (text.empty() ? "" : "; ") + text;
  if (s.owner.empty()) return text;
  text += (text.empty() ? "" : "; ") + s.owner;
  if (s.silent_seconds) text += ", stale: no sign of life for " + fixed(*s.silent_seconds, 0) + " s";
  return text;
}

std::string loss_text(const std::optional<double>& loss) { return loss ? fixed(*loss, 4) : "-"; }

}  // namespace

const char* name_of(CellState state) {
  switch (state) {
    case CellState::planned:
      return "planned";
    case CellState::running:
      return "running";
    case CellState::done:
      return "done";
    case CellState::failed:
      return "failed";
    case CellState::unknown:
      return "unknown";
    case CellState::stopped:
      break;
  }
  return "stopped";
}

namespace {

/// Who works on a cell, as far as its newest attempt tells.
struct Worker {
  std::string owner;
  double silent = 0;  // seconds since the last sign of life
  bool alive = false;
  bool lost = false;  // silent for longer than its lease holds
};

Worker worker_of(const Attempt& attempt) {
  const std::optional<LeaseLook> look = look_at_lease(attempt.folder / "lease");
  if (!look || look->is_free()) return {};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Worker worker;
  worker.owner = look->owner ? look->owner->text() : "unknown";
  worker.silent = std::chrono::duration<double>(now - look->touched).count();
  worker.lost = worker.silent >= look->seconds();
  worker.alive = look->locked.value_or(false) || !worker.lost;
  return worker;
}

CellState state_of_attempts(const std::filesystem::path& folder, const std::vector<Attempt>& attempts) {
  if (attempts.empty()) return CellState::planned;
  if (worker_of(attempts.front()).alive) return CellState::running;
  if (core::is_there(attempts.front().folder / "failed.json")) return CellState::failed;
  return newest_file(folder, "journal.log") ? CellState::stopped : CellState::planned;
}

CellStatus read_status(const std::filesystem::path& folder, const std::string& cell_id) {
  CellStatus status;
  const std::vector<Attempt> attempts = attempts_in(folder);
  if (!attempts.empty()) status.attempt = attempts.front().number;
  if (is_complete(folder, cell_id)) {
    status.state = CellState::done;
    read_result_of(folder, cell_id, status);
    return status;
  }
  status.state = state_of_attempts(folder, attempts);
  if (attempts.empty()) return status;
  const Worker worker = worker_of(attempts.front());
  status.owner = worker.owner;
  if (worker.lost) status.silent_seconds = worker.silent;
  if (status.state == CellState::failed)
    if (const auto failure = read_failure(attempts.front().folder)) {
      status.kind = name_of(failure->kind);
      status.reason = failure->reason;
    }
  if (const auto journal = newest_file(folder, "journal.log")) read_journal(*journal, cell_id, status);
  return status;
}

}  // namespace

CellState state_of(const SweepFolder& sweep_folder, const Cell& cell) {
  try {
    const std::filesystem::path folder = locate(sweep_folder, cell);
    if (is_complete(folder, cell.id)) return CellState::done;
    return state_of_attempts(folder, attempts_in(folder));
  } catch (const std::exception& error) {
    if (core::is_unreadable(error)) return CellState::unknown;
    throw;
  }
}

std::optional<Failure> last_failure(const SweepFolder& sweep_folder, const Cell& cell) {
  const std::vector<Attempt> attempts = attempts_in(locate(sweep_folder, cell));
  return attempts.empty() ? std::nullopt : read_failure(attempts.front().folder);
}

CellStatus status_of(const SweepFolder& sweep_folder, const Cell& cell) {
  CellStatus status;
  try {
    return read_status(locate(sweep_folder, cell), cell.id);
  } catch (const std::exception& error) {
    status.state = core::is_unreadable(error) ? CellState::unknown : state_of(sweep_folder, cell);
    status.reason = error.what();
  }
  return status;
}

SweepStatus status_of(const SweepFolder& sweep_folder, std::span<const Cell> cells) {
  SweepStatus out;
  for (const Cell& cell : cells) out.cells.push_back(status_of(sweep_folder, cell));
  return out;
}

bool SweepStatus::has_unknown() const {
  return std::ranges::any_of(cells, [](const CellStatus& s) { return s.state == CellState::unknown; });
}

std::vector<Cell> missing_cells(std::span<const Cell> cells, const SweepFolder& sweep_folder) {
  std::vector<Cell> missing;
  for (const Cell& cell : cells)
    if (state_of(sweep_folder, cell) != CellState::done) missing.push_back(cell);
  return missing;
}

std::string status_text(const SweepFolder& sweep_folder, std::span<const Cell> cells,
                        const SweepStatus& status, bool all) {
  TextTable table(
      {"id", "state", "arm", "changed", "seed", "plan", "from", "attempt", "step", "loss", "valid", ""});
  std::map<std::string, std::size_t> counts, planned;
  bool listed = false;
  for (const CellStatus& s : status.cells) ++counts[name_of(s.state)];
  const bool in_short = !all && counts[name_of(CellState::planned)] > kMostPlanned;
  const std::vector<RowOfCell> rows = rows_of(cells);
  const std::vector<SameRun> same = same_runs(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Cell& cell = *rows[i].cell;
    const CellStatus& s = status.cells[static_cast<std::size_t>(&cell - cells.data())];
    if (in_short && s.state == CellState::planned) {
      ++planned[*rows[i].arm];
      continue;
    }
    listed = true;
    const std::string step = std::to_string(s.step) + "/" + std::to_string(cell.facts.steps);
    table.add({short_id(cell.id), name_of(s.state), *rows[i].arm, label_of(*rows[i].changed),
               std::to_string(cell.seed), short_id(cell.plan), cell.from ? cell.from->text() : "",
               s.attempt > 0 ? std::to_string(s.attempt) : "-", step, loss_text(s.loss),
               loss_text(s.valid_loss), remark(s, same[i].text)});
  }
  std::string text = listed ? table.text() : "";
  for (const auto& [arm, count] : planned) text += arm + ": " + std::to_string(count) + " planned\n";
  if (!planned.empty()) text += "--missing lists them\n";
  text += "\n" + std::to_string(cells.size()) + " cells:";
  for (const auto& [state, count] : counts)
    if (count > 0) text += " " + std::to_string(count) + " " + state;
  const std::string left = time_left_text(sweep_folder, cells, status);
  const std::string errors = text_of(forecast_errors(sweep_folder, cells));
  return text + "\n" + left + errors + (errors.empty() ? "" : "\n");
}

std::string status_json(const SweepFolder& sweep_folder, std::span<const Cell> cells,
                        const SweepStatus& status) {
  std::string text;
  const ExpectedCells expected = read_expected(sweep_folder);
  const std::vector<RowOfCell> rows = rows_of(cells);
  const std::vector<SameRun> same = same_runs(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Cell& cell = *rows[i].cell;
    const CellStatus& s = status.cells[static_cast<std::size_t>(&cell - cells.data())];
    Json line = {{"id", cell.id}, {"state", name_of(s.state)}, {"arm", *rows[i].arm}};
    line["changed"] = Json::object();
    for (const Assignment& a : *rows[i].changed) line["changed"][a.name] = a.value;
    line["seed"] = cell.seed;
    if (!cell.plan.empty()) line["plan"] = cell.plan;
    if (s.attempt > 0) line["attempt"] = s.attempt;
    if (!s.owner.empty()) line["owner"] = s.owner;
    if (s.silent_seconds) line["stale_seconds"] = *s.silent_seconds;
    line["step"] = s.step;
    line["steps"] = cell.facts.steps;
    line["loss"] = s.loss ? Json(*s.loss) : Json();
    line["valid_loss"] = s.valid_loss ? Json(*s.valid_loss) : Json();
    if (const auto left = seconds_left(expected, cell, s)) line["seconds_left"] = *left;
    if (cell.from) line["from"] = from_json(*cell.from);
    if (!s.kind.empty()) line["kind"] = s.kind;
    if (!s.reason.empty()) line["reason"] = s.reason;
    if (!same[i].text.empty()) line["same_as"] = same[i].text;
    line["folder"] = locate(sweep_folder, cell).string();
    text += core::json_line(line);
  }
  return text;
}

}  // namespace isorbit::experiments
