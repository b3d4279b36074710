#include "experiments/sweep/forecast_error.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/record/durable_file.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/timing/step_times.hpp"
#include "experiments/training/result.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

struct Compared {
  std::string cell;
  double error = 0;
};

ForecastError error_of(const std::vector<Compared>& all) {
  ForecastError out;
  out.cells = all.size();
  std::vector<double> sizes;
  for (const auto& [cell, error] : all) {
    sizes.push_back(std::abs(error));
    if (std::abs(error) < std::abs(out.worst)) continue;
    out.worst = error;
    out.worst_cell = cell;
  }
  if (!sizes.empty()) out.median = median_of(sizes);
  return out;
}

std::string name_of_cell(const Cell& cell) {
  const std::string label = label_of(cell.changed);
  return cell.arm + (label.empty() ? "" : " " + label) + " seed " + std::to_string(cell.seed);
}

std::string percent(double error, bool sign) {
  return (sign ? (error < 0 ? "-" : "+") : "") + fixed(100 * std::abs(error), 0) + " %";
}

Json json_of(const ForecastError& error) {
  if (error.cells == 0) return Json();
  return {{"cells", error.cells},
          {"median", error.median},
          {"worst", error.worst},
          {"worst_cell", error.worst_cell}};
}

}  // namespace

std::optional<CellCost> cost_of(const SweepFolder& sweep_folder, const Cell& cell) {
  try {
    return read_result(done_path(locate(sweep_folder, cell))).cost;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

double disk_bytes_of(const SweepFolder& sweep_folder, const Cell& cell) {
  double bytes = 0;
  std::set<ino_t> counted;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(locate(sweep_folder, cell), error)) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (counted.insert(status.st_ino).second) bytes += static_cast<double>(status.st_size);
  }
  return bytes;
}

ForecastErrors forecast_errors(const SweepFolder& sweep_folder, std::span<const Cell> cells) {
  std::vector<Compared> seconds, memory, disk;
  for (const Cell& cell : cells) {
    const std::optional<CellCost> cost = cost_of(sweep_folder, cell);
    if (!cost || !cost->whole || !cost->forecast) continue;
    const std::string name = name_of_cell(cell);
    const auto compare = [&](std::vector<Compared>& into, double forecast, double actual) {
      if (actual > 0) into.push_back({name, forecast / actual - 1});
    };
    compare(seconds, cost->forecast->seconds, cost->seconds);
    compare(memory, cost->forecast->memory, cost->peak.value_or(0));
    compare(disk, cost->forecast->disk, disk_bytes_of(sweep_folder, cell));
  }
  return {error_of(seconds), error_of(memory), error_of(disk)};
}

std::string text_of(const ForecastErrors& errors) {
  if (errors.seconds.cells == 0) return {};
  std::string text = "forecast error of " + std::to_string(errors.seconds.cells) +
                     (errors.seconds.cells == 1 ? " cell: " : " cells: ");
  const char* separator = "";
  const auto add = [&](const char* what, const ForecastError& error) {
    if (error.cells == 0) return;
    text += separator + std::string(what) + " median " + percent(error.median, false) + ", worst " +
            percent(error.worst, true) + " (" + error.worst_cell + ")";
    separator = "; ";
  };
  add("seconds", errors.seconds);
  add("memory", errors.memory);
  add("disk", errors.disk);
  return text;
}

void write_forecast_errors(const SweepFolder& sweep_folder, std::span<const Cell> cells) {
  const ForecastErrors errors = forecast_errors(sweep_folder, cells);
  Json out = {{"errors",
               {{"seconds", json_of(errors.seconds)},
                {"memory", json_of(errors.memory)},
                {"disk", json_of(errors.disk)}}},
              {"cells", Json::array()}};
  for (const Cell& cell : cells) {
    const std::optional<CellCost> cost = cost_of(sweep_folder, cell);
    if (!cost) continue;
    Json entry = experiments::json_of(*cost);
    entry["id"] = cell.id;
    entry["disk_bytes"] = disk_bytes_of(sweep_folder, cell);
    out["cells"].push_back(std::move(entry));
  }
  core::write_durably(sweep_folder.path() / "forecast.json", out.dump(1) + "\n");
}

}  // namespace isorbit::experiments
