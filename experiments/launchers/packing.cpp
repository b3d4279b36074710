#include "experiments/launchers/packing.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace isorbit::experiments {
namespace {

struct Pile {
  std::vector<const Cell*> cells;
  double cost = 0;
};

/// Cells that hang together, each with its source before it: a source stands before what starts from it in
/// a sweep's order of running, which `cells` need not have.
std::vector<Pile> families(std::span<const Cell* const> cells, const CostOf& cost) {
  std::map<std::string, const Cell*> by_id;
  for (const Cell* cell : cells) by_id[cell->id] = cell;
  const auto source_of = [&](const Cell* cell) -> const Cell* {
    const auto found = cell->from ? by_id.find(cell->from->id) : by_id.end();
    return found == by_id.end() ? nullptr : found->second;
  };
  const auto generation = [&](const Cell* cell) {
    std::size_t n = 0;
    for (const Cell* source = source_of(cell); source != nullptr; source = source_of(source)) ++n;
    return n;
  };
  std::map<const Cell*, std::size_t> pile_of_founder;
  std::vector<Pile> piles;
  for (const Cell* cell : cells) {
    const Cell* founder = cell;
    while (const Cell* source = source_of(founder)) founder = source;
    const auto [at, is_new] = pile_of_founder.emplace(founder, piles.size());
    if (is_new) piles.emplace_back();
    piles[at->second].cells.push_back(cell);
    piles[at->second].cost += cost(*cell);
  }
  for (Pile& pile : piles) std::ranges::stable_sort(pile.cells, std::ranges::less(), generation);
  return piles;
}

}  // namespace

std::vector<std::vector<const Cell*>> pack(std::span<const Cell* const> cells, const CostOf& cost,
                                           std::size_t most) {
  std::vector<Pile> piles = families(cells, cost);
  std::ranges::stable_sort(piles, std::ranges::greater(), &Pile::cost);
  std::vector<Pile> tasks(std::min(std::max<std::size_t>(most, 1), piles.size()));
  for (const Pile& pile : piles) {  // the dearest into the task that has least so far
    Pile& task = *std::ranges::min_element(tasks, std::ranges::less(),
                                           [](const Pile& t) { return std::pair(t.cost, t.cells.size()); });
    task.cells.insert(task.cells.end(), pile.cells.begin(), pile.cells.end());
    task.cost += pile.cost;
  }
  std::ranges::stable_sort(tasks, std::ranges::greater(), &Pile::cost);
  std::vector<std::vector<const Cell*>> out;
  for (Pile& task : tasks) out.push_back(std::move(task.cells));
  return out;
}

}  // namespace isorbit::experiments
