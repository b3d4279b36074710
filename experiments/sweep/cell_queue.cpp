#include "experiments/sweep/cell_queue.hpp"

#include <algorithm>
#include <span>

namespace isorbit::experiments {

CellQueue::CellQueue(std::vector<const Cell*> cells, const std::function<bool(const Cell&)>& is_complete) {
  std::map<std::string, std::size_t> by_id;
  for (const Cell* cell : cells) {
    by_id[cell->id] = index_[cell] = entries_.size();
    entries_.push_back({cell, {}, {}});
  }
  for (Entry& entry : entries_) {
    if (!entry.cell->from || entry.cell->from->id.empty()) continue;
    const CellStart& from = *entry.cell->from;
    if (const auto source = by_id.find(from.id); source != by_id.end())
      entry.source = source->second;
    else if (!is_complete(*entry.cell))
      entry.reason = "it starts from " + from.text() + ", which is not complete";
  }
}

/// A cell whose source failed is ready: to fail too. One whose source is left is left.
bool CellQueue::is_ready(Entry& entry) const {
  if (entry.state != State::waiting) return false;
  if (!entry.source) return true;
  const Entry& source = entries_[*entry.source];
  if (source.state == State::failed)
    entry.reason = "it starts from " + entry.cell->from->text() + ", which failed: " + source.reason;
  if (source.state == State::left) entry.state = State::left;
  return source.state == State::complete || source.state == State::failed;
}

std::optional<CellQueue::Turn> CellQueue::next(const std::function<bool(const Cell&)>& fits) {
  const auto is_past = [](State state) { return state != State::waiting && state != State::held; };
  while (first_ < entries_.size() && is_past(entries_[first_].state)) ++first_;
  for (Entry& entry : std::span(entries_).subspan(first_)) {
    if (!is_ready(entry)) continue;
    if (fits && entry.reason.empty() && !fits(*entry.cell)) continue;
    entry.state = State::at_work;
    ++turns_;
    return Turn{entry.cell, entry.reason};
  }
  return std::nullopt;
}

bool CellQueue::waits() const {
  const auto is = [](State state) { return [state](const Entry& entry) { return entry.state == state; }; };
  return std::ranges::any_of(entries_, is(State::waiting)) &&
         std::ranges::any_of(entries_, is(State::at_work));
}

void CellQueue::hold(const Cell& cell) {
  at(cell).state = State::held;
  first_ = std::min(first_, index_.at(&cell));
  --turns_;
}

void CellQueue::look_again() {
  for (Entry& entry : entries_)
    if (entry.state == State::held) entry.state = State::waiting;
}

bool CellQueue::holds() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return entry.state == State::held; });
}

void CellQueue::fail(const Cell& cell, const std::string& reason) {
  at(cell).state = State::failed;
  at(cell).reason = reason;
}

void CellQueue::refuse(const Cell& cell, const std::string& reason) {
  fail(cell, reason);
  ++turns_;
}

void sort_dearest_first(std::vector<const Cell*>& cells, const std::function<double(const Cell&)>& seconds) {
  std::map<std::string, std::vector<const Cell*>> successors;
  for (const Cell* cell : cells)
    if (cell->from) successors[cell->from->id].push_back(cell);
  std::map<const Cell*, double> costs;
  const std::function<double(const Cell*)> cost = [&](const Cell* cell) {
    if (const auto known = costs.find(cell); known != costs.end()) return known->second;
    double rest = 0;
    if (const auto next = successors.find(cell->id); next != successors.end())
      for (const Cell* successor : next->second) rest = std::max(rest, cost(successor));
    return costs[cell] = rest + seconds(*cell);
  };
  std::ranges::stable_sort(cells, std::ranges::greater(), cost);
}

}  // namespace isorbit::experiments
