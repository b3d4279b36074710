#include "experiments/sweep/time_left.hpp"

#include <algorithm>

#include "core/document/json_file.hpp"
#include "core/record/durable_file.hpp"
#include "experiments/sweep/forecast_error.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

const std::string kNominal = name_of(ForecastBasis::nominal);
constexpr std::size_t kLongest = std::size_t{64} << 20;

std::filesystem::path expected_path(const std::filesystem::path& folder) { return folder / "expected.json"; }

std::string cells_text(std::size_t n) { return std::to_string(n) + (n == 1 ? " cell" : " cells"); }

}  // namespace

ExpectedCells read_expected(const SweepFolder& folder) {
  ExpectedCells out;
  try {
    const Json root = core::read_long_document(expected_path(folder.path()), kLongest).root;
    if (!root.is_object()) return out;
    for (const auto& [id, entry] : root.items())
      if (entry.is_object() && entry.value("seconds", Json()).is_number())
        out[id] = {entry.at("seconds").get<double>(), entry.value("basis", Json()) == kNominal};
  } catch (const std::exception&) {
    return {};
  }
  return out;
}

void write_expected(const std::filesystem::path& folder, std::span<const Cell> cells,
                    const Forecast& forecast) {
  const ExpectedCells before = read_expected(folder);
  ExpectedCells now = before;
  for (const Cell& cell : cells)
    if (const CellForecast* found = forecast.find(cell))
      now[cell.id] = {found->seconds, found->basis == ForecastBasis::nominal};
  if (now == before) return;
  std::string text;
  for (const auto& [id, expected] : now) {
    const char* basis = name_of(expected.is_nominal ? ForecastBasis::nominal : ForecastBasis::timed);
    text += (text.empty() ? "{\n " : ",\n ") + Json(id).dump() + ": " +
            Json{{"seconds", expected.seconds}, {"basis", basis}}.dump();
  }
  core::write_durably(expected_path(folder), text + "}\n");
}

std::optional<double> seconds_left(const ExpectedCells& expected, const Cell& cell,
                                   const CellStatus& status) {
  const auto found = expected.find(cell.id);
  if (status.state == CellState::done || found == expected.end()) return std::nullopt;
  const double steps = static_cast<double>(std::max<std::int64_t>(1, cell.facts.steps));
  return found->second.seconds * std::clamp(1 - static_cast<double>(status.step) / steps, 0.0, 1.0);
}

std::string time_left_text(const SweepFolder& folder, std::span<const Cell> cells,
                           const SweepStatus& status) {
  const ExpectedCells expected = read_expected(folder);
  if (expected.empty()) return {};
  bool is_nominal = false;
  double left = 0, forecast = 0, took = 0, longest = 0;
  std::size_t missing = 0, known = 0, at_once = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (status.cells[i].state == CellState::done) {
      const std::optional<CellCost> cost = cost_of(folder, cells[i]);
      if (!cost || !cost->whole || !cost->forecast) continue;
      forecast += cost->forecast->seconds;
      took += cost->seconds;
      continue;
    }
    ++missing;
    if (status.cells[i].state == CellState::running) ++at_once;
    const std::optional<double> seconds = seconds_left(expected, cells[i], status.cells[i]);
    if (!seconds) continue;
    ++known;
    is_nominal = is_nominal || expected.at(cells[i].id).is_nominal;
    left += *seconds;
    longest = std::max(longest, *seconds);
  }
  if (known == 0 || (is_nominal && took == 0)) return {};
  at_once = std::max<std::size_t>(at_once, 1);
  const double scale = forecast > 0 && took > 0 ? took / forecast : 1;
  return "about " + duration(scale * std::max(longest, left / static_cast<double>(at_once))) + " left for " +
         (known < missing ? std::to_string(known) + " of " : "") + cells_text(missing) + " with " +
         std::to_string(at_once) + " at once\n";
}

}  // namespace isorbit::experiments
