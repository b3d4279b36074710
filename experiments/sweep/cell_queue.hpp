// Whose turn it is: cells in the order they are given, but none before the one whose weights it starts from.
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

class CellQueue {
 public:
  struct Turn {
    const Cell* cell = nullptr;
    std::string refusal;  // why it cannot run; empty: it can
  };

  /// `is_complete` tells of a cell that starts from one that is not among `cells` whether that one is there.
  CellQueue(std::vector<const Cell*> cells, const std::function<bool(const Cell&)>& is_complete);

  /// The next cell that is ready and, by `fits`, may run now; nothing where all that wait do so for cells at
  /// work. One that cannot run at all is not asked about.
  [[nodiscard]] std::optional<Turn> next(const std::function<bool(const Cell&)>& fits = {});
  /// True while a cell at work may make another one ready, or room for it.
  [[nodiscard]] bool waits() const;
  /// What became of a cell: complete, failed with a reason, or left for another time.
  void complete(const Cell& cell) { at(cell).state = State::complete; }
  void fail(const Cell& cell, const std::string& reason);
  /// It failed before it had a turn.
  void refuse(const Cell& cell, const std::string& reason);
  void leave(const Cell& cell) { at(cell).state = State::left; }
  /// Somebody else works on it: it has another turn after look_again().
  void hold(const Cell& cell);
  void look_again();
  [[nodiscard]] bool holds() const;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Cells that had no turn.
  [[nodiscard]] std::size_t untouched() const { return entries_.size() - turns_; }

 private:
  enum class State { waiting, at_work, held, complete, failed, left };
  struct Entry {
    const Cell* cell;
    std::optional<std::size_t> source;
    std::string reason;  // it failed, or cannot run
    State state = State::waiting;
  };
  Entry& at(const Cell& cell) { return entries_[index_.at(&cell)]; }
  bool is_ready(Entry& entry) const;

  std::vector<Entry> entries_;
  std::map<const Cell*, std::size_t> index_;
  std::size_t turns_ = 0;
  std::size_t first_ = 0;  // entries before it are done with, or at work
};

/// Sorts cells so that what takes longest begins first: by the seconds of a cell and of the dearest chain of
/// cells that start from it.
void sort_dearest_first(std::vector<const Cell*>& cells, const std::function<double(const Cell&)>& seconds);

}  // namespace isorbit::experiments
