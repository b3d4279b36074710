// Which cells of a sweep are meant: --only 'arm=poet,seed=0' and --limit N.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

struct Selection {
  std::vector<std::string> only;  // each a list of name=value that must all hold; one of them suffices
  std::optional<std::size_t> limit;
};

/// The cells selected, in order. Names are arm, seed, id (a beginning of it) and the axes, with or without
/// their group. Throws DocumentError for a name or an arm there is none of.
[[nodiscard]] std::vector<Cell> select(const Sweep& sweep, const Selection& selection);

/// Throws DocumentError for cells that start from one that is neither selected nor, by `has_source`, there.
void check_sources(std::span<const Cell> selected, const std::function<bool(const Cell&)>& has_source);

}  // namespace isorbit::experiments
