// How long a sweep still takes, by what its cells were forecast to take:
//
//   expected.json   {"<id>": {"seconds", "basis"}}   of the cells that were missing when isorbit run or
//   submit began
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>

#include "experiments/sweep/forecast.hpp"
#include "experiments/sweep/status.hpp"

namespace isorbit::experiments {

struct Expected {
  double seconds = 0;
  bool is_nominal = false;  // nothing like it was ever timed here: it may be off by a large factor
  bool operator==(const Expected&) const = default;
};
using ExpectedCells = std::map<std::string, Expected>;  // by id

/// Writes what the cells are expected to take into <folder>/expected.json, beside what it says of others.
/// Throws std::runtime_error naming the path.
void write_expected(const std::filesystem::path& folder, std::span<const Cell> cells,
                    const Forecast& forecast);
/// None where there is no such file, or none that can be read: a forecast is no result.
[[nodiscard]] ExpectedCells read_expected(const SweepFolder& folder);

/// Of a cell that is not done, by its steps; nothing where none was forecast.
[[nodiscard]] std::optional<double> seconds_left(const ExpectedCells& expected, const Cell& cell,
                                                 const CellStatus& status);

/// "about 2 h 05 min left for 12 cells with 2 at once", a line; empty where nothing is left, or nothing
/// known. What finished cells took over what they were forecast corrects the rest; before there are any, what
/// is nominal says nothing.
[[nodiscard]] std::string time_left_text(const SweepFolder& folder, std::span<const Cell> cells,
                                         const SweepStatus& status);

}  // namespace isorbit::experiments
