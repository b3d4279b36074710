#include "experiments/sweep/status.hpp"

#include <chrono>
#include <cmath>
#include <map>

#include "core/document/json_line.hpp"
#include "core/record/journal.hpp"
#include "core/record/run_file.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/lease.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/attempts.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

std::optional<double> number(const Json& row, const char* name) {
  const auto it = row.find(name);
  if (it == row.end() || !it->is_number()) return {};
  return it->get<double>();
}

void read_journal(const std::filesystem::path& file, CellStatus& status) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return;
  for (const Json& row : core::Journal::read(file).rows) {
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

void read_record(const std::filesystem::path& file, CellStatus& status) {
  const core::RunRecord record = core::read_run(file);
  const auto last = [&](const char* path, const char* column) -> std::optional<double> {
    const core::Series* series = record.find(path);
    if (series == nullptr || series->find(column) == nullptr) return {};
    const std::vector<double> values = series->at(column).doubles();
    return values.empty() ? std::optional<double>() : values.back();
  };
  status.step = static_cast<std::int64_t>(last("train", "step").value_or(0));
  status.loss = last("train", "loss");
  status.valid_loss = last("valid", "loss");
}

/// Why it failed, who works on it, and whether that one has been heard of lately.
std::string remark(const CellStatus& s) {
  std::string text = (s.kind.empty() ? "" : s.kind + ": ") + s.reason;
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
  worker.alive = look->locked || !worker.lost;
  return worker;
}

CellState state_of_attempts(const std::filesystem::path& folder, const std::vector<Attempt>& attempts) {
  std::error_code error;
  if (attempts.empty()) return CellState::planned;
  if (worker_of(attempts.front()).alive) return CellState::running;
  if (std::filesystem::exists(attempts.front().folder / "failed.json", error)) return CellState::failed;
  return newest_file(folder, "journal.log") ? CellState::stopped : CellState::planned;
}

}  // namespace

CellState state_of(const std::filesystem::path& sweep_folder, const Cell& cell) {
  const std::filesystem::path folder = locate(sweep_folder, cell);
  if (is_complete(folder, cell.id)) return CellState::done;
  return state_of_attempts(folder, attempts_in(folder));
}

std::optional<Failure> last_failure(const std::filesystem::path& sweep_folder, const Cell& cell) {
  const std::vector<Attempt> attempts = attempts_in(locate(sweep_folder, cell));
  return attempts.empty() ? std::nullopt : read_failure(attempts.front().folder);
}

CellStatus status_of(const std::filesystem::path& sweep_folder, const Cell& cell) {
  CellStatus status;
  status.state = state_of(sweep_folder, cell);
  const std::filesystem::path folder = locate(sweep_folder, cell);
  if (const std::vector<Attempt> attempts = attempts_in(folder); !attempts.empty()) {
    const Worker worker = worker_of(attempts.front());
    status.attempt = attempts.front().number;
    if (status.state != CellState::done) status.owner = worker.owner;
    if (status.state != CellState::done && worker.lost) status.silent_seconds = worker.silent;
  }
  try {
    if (status.state == CellState::done)
      read_record(folder / "run.h5", status);
    else if (const auto journal = newest_file(folder, "journal.log"))
      read_journal(*journal, status);
    if (const auto failure = last_failure(sweep_folder, cell); status.state == CellState::failed && failure) {
      status.kind = name_of(failure->kind);
      status.reason = failure->reason;
    }
  } catch (const std::exception& error) {
    status.reason = error.what();
  }
  return status;
}

std::vector<Cell> missing_cells(std::span<const Cell> cells, const std::filesystem::path& sweep_folder) {
  std::vector<Cell> missing;
  for (const Cell& cell : cells)
    if (state_of(sweep_folder, cell) != CellState::done) missing.push_back(cell);
  return missing;
}

std::string status_text(const std::filesystem::path& sweep_folder, const Sweep& sweep) {
  TextTable table({"id", "state", "arm", "changed", "seed", "from", "attempt", "step", "loss", "valid", ""});
  std::map<std::string, int> counts;
  for (const Cell& cell : sweep.cells) {
    const CellStatus s = status_of(sweep_folder, cell);
    ++counts[name_of(s.state)];
    const std::string step = std::to_string(s.step) + "/" + std::to_string(cell.facts.steps);
    table.add({short_id(cell.id), name_of(s.state), cell.arm, label_of(cell.changed),
               std::to_string(cell.seed), cell.from ? cell.from->text() : "",
               s.attempt > 0 ? std::to_string(s.attempt) : "-", step, loss_text(s.loss),
               loss_text(s.valid_loss), remark(s)});
  }
  std::string text = table.text() + "\n" + std::to_string(sweep.cells.size()) + " cells:";
  for (const auto& [state, count] : counts) text += " " + std::to_string(count) + " " + state;
  const std::string errors = text_of(forecast_errors(sweep_folder, sweep.cells));
  return text + "\n" + errors + (errors.empty() ? "" : "\n");
}

std::string status_json(const std::filesystem::path& sweep_folder, const Sweep& sweep) {
  std::string text;
  for (const Cell& cell : sweep.cells) {
    const CellStatus s = status_of(sweep_folder, cell);
    Json line = {{"id", cell.id}, {"state", name_of(s.state)}, {"arm", cell.arm}};
    line["changed"] = Json::object();
    for (const Assignment& a : cell.changed) line["changed"][a.name] = a.value;
    line["seed"] = cell.seed;
    if (s.attempt > 0) line["attempt"] = s.attempt;
    if (!s.owner.empty()) line["owner"] = s.owner;
    if (s.silent_seconds) line["stale_seconds"] = *s.silent_seconds;
    line["step"] = s.step;
    line["steps"] = cell.facts.steps;
    line["loss"] = s.loss ? Json(*s.loss) : Json();
    line["valid_loss"] = s.valid_loss ? Json(*s.valid_loss) : Json();
    if (cell.from) line["from"] = from_json(*cell.from);
    if (!s.kind.empty()) line["kind"] = s.kind;
    if (!s.reason.empty()) line["reason"] = s.reason;
    line["folder"] = locate(sweep_folder, cell).string();
    text += core::json_line(line);
  }
  return text;
}

}  // namespace isorbit::experiments
