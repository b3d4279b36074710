#include "experiments/sweep/status.hpp"

#include <cmath>
#include <map>

#include "core/record/journal.hpp"
#include "core/record/run_file.hpp"
#include "experiments/sweep/cell_lock.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/trainer.hpp"

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

CellState state_of(const std::filesystem::path& sweep_folder, const Cell& cell) {
  const std::filesystem::path folder = locate(sweep_folder, cell);
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return CellState::planned;
  if (CellLock::is_taken(folder)) return CellState::running;
  if (is_complete(folder, cell.id)) return CellState::done;
  if (std::filesystem::exists(folder / "failed.json", error)) return CellState::failed;
  return std::filesystem::exists(folder / "journal.log", error) ? CellState::stopped : CellState::planned;
}

CellStatus status_of(const std::filesystem::path& sweep_folder, const Cell& cell) {
  CellStatus status;
  status.state = state_of(sweep_folder, cell);
  const std::filesystem::path folder = locate(sweep_folder, cell);
  try {
    if (status.state == CellState::done)
      read_record(folder / "run.h5", status);
    else if (status.state != CellState::planned)
      read_journal(folder / "journal.log", status);
    if (status.state == CellState::failed)
      status.reason = core::read_document(folder / "failed.json").root.value("reason", std::string());
  } catch (const std::exception& error) {
    status.reason = error.what();
  }
  return status;
}

std::string status_text(const std::filesystem::path& sweep_folder, const Sweep& sweep) {
  TextTable table({"id", "state", "arm", "changed", "seed", "from", "step", "loss", "valid", ""});
  std::map<std::string, int> counts;
  for (const Cell& cell : sweep.cells) {
    const CellStatus s = status_of(sweep_folder, cell);
    ++counts[name_of(s.state)];
    const std::string step = std::to_string(s.step) + "/" + std::to_string(cell.facts.steps);
    table.add({short_id(cell.id), name_of(s.state), cell.arm, label_of(cell.changed),
               std::to_string(cell.seed), cell.from ? cell.from->text() : "", step, loss_text(s.loss),
               loss_text(s.valid_loss), s.reason});
  }
  std::string text = table.text() + "\n" + std::to_string(sweep.cells.size()) + " cells:";
  for (const auto& [state, count] : counts) text += " " + std::to_string(count) + " " + state;
  return text + "\n";
}

std::string status_json(const std::filesystem::path& sweep_folder, const Sweep& sweep) {
  std::string text;
  for (const Cell& cell : sweep.cells) {
    const CellStatus s = status_of(sweep_folder, cell);
    Json line = {{"id", cell.id}, {"state", name_of(s.state)}, {"arm", cell.arm}};
    line["changed"] = Json::object();
    for (const Assignment& a : cell.changed) line["changed"][a.name] = a.value;
    line["seed"] = cell.seed;
    line["step"] = s.step;
    line["steps"] = cell.facts.steps;
    line["loss"] = s.loss ? Json(*s.loss) : Json();
    line["valid_loss"] = s.valid_loss ? Json(*s.valid_loss) : Json();
    if (cell.from) line["from"] = from_json(*cell.from);
    if (!s.reason.empty()) line["reason"] = s.reason;
    line["folder"] = locate(sweep_folder, cell).string();
    text += line.dump() + "\n";
  }
  return text;
}

}  // namespace isorbit::experiments
