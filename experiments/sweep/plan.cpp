#include "experiments/sweep/plan.hpp"

#include <algorithm>
#include <map>

#include "experiments/sweep/manifest.hpp"
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

}  // namespace

std::string plan_text(const Sweep& sweep, std::span<const Cell> cells, const std::filesystem::path& folder) {
  TextTable table({"id", "arm", "changed", "seed", "from", "state", "steps", "tokens", "parameters",
                   "spectra", "unigram"});
  std::map<std::string, std::size_t> counts;
  double tokens = 0, bytes = 0;
  for (const Cell& cell : cells) {
    const CellState state = state_of(folder, cell);
    ++counts[name_of(state)];
    if (state != CellState::done) tokens += static_cast<double>(cell.facts.tokens);
    bytes += cell.facts.spectra_bytes;
    table.add({short_id(cell.id), cell.arm, label_of(cell.changed), std::to_string(cell.seed),
               cell.from ? cell.from->text() : "", name_of(state), std::to_string(cell.facts.steps),
               scaled(static_cast<double>(cell.facts.tokens)),
               scaled(static_cast<double>(cell.facts.parameters)), scaled(cell.facts.spectra_bytes, "B"),
               fixed(cell.facts.unigram_entropy, 4)});
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
  for (const Dropped& d : sweep.dropped) text += "dropped " + dropped_name(d) + ": " + d.clause + "\n";
  for (const std::string& note : sweep.notes) text += "note: " + note + "\n";
  return text;
}

std::string plan_json(const Sweep& sweep, std::span<const Cell> cells, const std::filesystem::path& folder) {
  std::string text;
  for (const Cell& cell : cells) {
    Json line = {{"id", cell.id},
                 {"arm", cell.arm},
                 {"changed", changed_json(cell.changed)},
                 {"seed", cell.seed},
                 {"state", name_of(state_of(folder, cell))},
                 {"folder", locate(folder, cell).string()},
                 {"steps", cell.facts.steps},
                 {"tokens", cell.facts.tokens},
                 {"parameters", cell.facts.parameters},
                 {"spectra_bytes", cell.facts.spectra_bytes},
                 {"unigram_entropy", cell.facts.unigram_entropy}};
    if (cell.from) line["from"] = from_json(*cell.from);
    text += line.dump() + "\n";
  }
  for (const Dropped& d : sweep.dropped) {
    Json line = {{"dropped", d.clause}, {"arm", d.arm}, {"changed", changed_json(d.changed)}};
    if (d.seed) line["seed"] = *d.seed;
    text += line.dump() + "\n";
  }
  return text;
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
