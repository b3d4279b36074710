// Which cells of a sweep are meant: --only 'arm=poet*,seed=0,1', --seed N and --limit N.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

struct Selection {
  /// Each a list of name=value,value,... of which every name must have one of its values; one list suffices.
  std::vector<std::string> only;
  std::optional<std::size_t> limit = {};
  std::optional<std::int64_t> seed = {};
};

/// The cells selected, in order. Names are arm (with the wildcards of parameters), seed, id (a beginning of
/// it) and the axes, with or without their group. Throws DocumentError for a name or a value there is none
/// of, and where no cell is left.
[[nodiscard]] std::vector<Cell> select(const Sweep& sweep, const Selection& selection);

/// Throws DocumentError for cells that start from one that is neither selected nor, by `has_source`, there.
void check_sources(std::span<const Cell> selected, const std::function<bool(const Cell&)>& has_source);

}  // namespace isorbit::experiments
