#include "experiments/sweep/plan.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "core/document/json_line.hpp"
#include "core/document/printable.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/rows.hpp"
#include "experiments/sweep/status.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

std::string spelled(std::size_t n, const char* word) {
  return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

Json changed_json(const std::vector<Assignment>& changed) {
  Json out = Json::object();
  for (const Assignment& a : changed) out[a.name] = a.value;
  return out;
}

std::string dropped_name(const Dropped& d) {
  const std::string label = label_of(d.changed);
  return d.arm + (label.empty() ? "" : " " + label) + (d.seed ? " seed " + std::to_string(*d.seed) : "");
}

std::string origin_block(const Cell& cell, const std::vector<Origin>& origins) {
  std::size_t width = 0;
  std::vector<std::string> lines;
  for (const Origin& o : origins) {
    lines.push_back("  " + o.name + " = " + o.value.dump());
    width = std::max(width, lines.back().size());
  }
  const std::string label = label_of(cell.changed);
  std::string text = cell.arm + (label.empty() ? "" : " " + label) + " seed " + std::to_string(cell.seed) +
                     " (" + short_id(cell.id) + ")\n";
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += lines[i] + std::string(width - lines[i].size() + 2, ' ') + origins[i].source + "\n";
  return text;
}

std::string time_text(double seconds) { return seconds < 10 ? fixed(seconds, 1) + " s" : duration(seconds); }

/// "about 3 min 20 s with --jobs 1, 1 min 50 s with --jobs 2; at most 1.2 GB of memory; 80 MB of disk"
std::string totals_text(const PlanForecast& forecast) {
  std::string text;
  for (const std::size_t jobs : forecast.jobs)
    text += (text.empty() ? "about " : ", ") +
            duration(forecast.cells->seconds_with(forecast.left, jobs, forecast.memory)) + " with --jobs " +
            std::to_string(jobs);
  double memory = 0, disk = 0;
  std::map<std::string, int> bases;
  for (const Cell& cell : forecast.left) {
    const CellForecast& of = *forecast.cells->find(cell);
    memory = std::max(memory, of.memory);
    disk += of.disk;
    ++bases[name_of(of.basis)];
  }
  text += "; at most " + scaled(memory, "B") + " of memory a cell; " + scaled(disk, "B") +
          " of disk\nforecast of";
  const char* separator = " ";
  for (const auto& [basis, count] : bases) {
    text += separator + spelled(static_cast<std::size_t>(count), "cell") + " " + basis;
    separator = ", ";
  }
  return text + "\n";
}

}  // namespace

std::string plan_text(const Sweep& sweep, std::span<const Cell> cells, const SweepFolder& folder,
                      const PlanForecast& forecast) {
  TextTable table({"id", "arm", "changed", "seed", "from", "state", "steps", "tokens", "parameters", "time",
                   "took", "memory", "disk", "spectra", "unigram", ""});
  std::map<std::string, std::size_t> counts;
  double tokens = 0, bytes = 0;
  const std::vector<RowOfCell> rows = rows_of(cells);
  const std::vector<SameRun> same = same_runs(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Cell& cell = *rows[i].cell;
    const CellState state = state_of(folder, cell);
    if (rows[i].is_first()) {
      ++counts[name_of(state)];
      if (state != CellState::done) tokens += static_cast<double>(cell.facts.tokens);
      bytes += cell.facts.spectra_bytes;
    }
    const CellForecast* expected = forecast.cells == nullptr ? nullptr : forecast.cells->find(cell);
    std::string took;
    if (state == CellState::done)
      if (const auto cost = cost_of(folder, cell)) took = time_text(cost->seconds);
    table.add({short_id(cell.id), *rows[i].arm, label_of(*rows[i].changed), std::to_string(cell.seed),
               cell.from ? cell.from->text() : "", name_of(state), std::to_string(cell.facts.steps),
               scaled(static_cast<double>(cell.facts.tokens)),
               scaled(static_cast<double>(cell.facts.parameters)),
               expected == nullptr ? "" : time_text(expected->seconds), took,
               expected == nullptr ? "" : scaled(expected->memory, "B"),
               expected == nullptr ? "" : scaled(expected->disk, "B"), scaled(cell.facts.spectra_bytes, "B"),
               fixed(cell.facts.unigram_entropy, 4), same[i].text});
  }
  std::string text = table.text() + "\n" + spelled(cells.size(), "cell");
  if (cells.size() != sweep.cells.size()) text += " of " + std::to_string(sweep.cells.size());
  const char* separator = ": ";
  for (const auto& [state, count] : counts) {
    text += separator + std::to_string(count) + " " + state;
    separator = ", ";
  }
  text += "\n" + scaled(tokens) + " tokens to train, " + scaled(bytes, "B") +
          " of spectra; unigram: entropy of the validation targets in nats\n";
  if (forecast.cells != nullptr && !forecast.left.empty()) text += totals_text(forecast);
  if (const std::string errors = text_of(forecast_errors(folder, cells)); !errors.empty())
    text += errors + "\n";
  for (const Dropped& d : sweep.dropped)
    text += "dropped " + dropped_name(d) + ": " + core::printable(d.clause) + "\n";
  for (const std::string& note : sweep.notes) text += "note: " + core::printable(note) + "\n";
  return text;
}

std::string plan_json(const Sweep& sweep, std::span<const Cell> cells, const SweepFolder& folder,
                      const PlanForecast& forecast) {
  std::string text;
  const std::vector<RowOfCell> rows = rows_of(cells);
  const std::vector<SameRun> same = same_runs(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Cell& cell = *rows[i].cell;
    Json line = {{"id", cell.id},
                 {"arm", *rows[i].arm},
                 {"changed", changed_json(*rows[i].changed)},
                 {"seed", cell.seed},
                 {"state", name_of(state_of(folder, cell))},
                 {"folder", locate(folder, cell).string()},
                 {"steps", cell.facts.steps},
                 {"tokens", cell.facts.tokens},
                 {"parameters", cell.facts.parameters},
                 {"spectra_bytes", cell.facts.spectra_bytes},
                 {"unigram_entropy", cell.facts.unigram_entropy}};
    if (cell.from) line["from"] = from_json(*cell.from);
    if (forecast.cells != nullptr)
      if (const CellForecast* expected = forecast.cells->find(cell)) line["forecast"] = json_of(*expected);
    if (const auto cost = cost_of(folder, cell)) line["took"] = json_of(*cost);
    if (!same[i].text.empty()) line["same_as"] = same[i].text;
    text += core::json_line(line);
  }
  for (const Dropped& d : sweep.dropped) {
    Json line = {{"dropped", d.clause}, {"arm", d.arm}, {"changed", changed_json(d.changed)}};
    if (d.seed) line["seed"] = *d.seed;
    text += core::json_line(line);
  }
  if (forecast.cells == nullptr) return text;
  Json jobs = Json::object();
  for (const std::size_t n : forecast.jobs)
    jobs[std::to_string(n)] = forecast.cells->seconds_with(forecast.left, n, forecast.memory);
  return text + core::json_line(Json{{"jobs", std::move(jobs)}});
}

std::string config_text(std::span<const Cell> cells) {
  std::string text;
  for (const Cell& cell : cells) {
    if (!text.empty()) text += "\n";
    text += origin_block(cell, cell.origins);
  }
  return text;
}

}  // namespace isorbit::experiments
