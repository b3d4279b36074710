// The time that a run of several cells still takes: what those that wait were forecast to take, corrected by
// what finished ones took over their forecasts, and what those at work say themselves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "experiments/sweep/forecast.hpp"

namespace isorbit::experiments {

class SweepClock {
 public:
  SweepClock() = default;
  /// `jobs` cells at once.
  SweepClock(std::span<const Cell> missing, const Forecast& forecast, std::size_t jobs);

  void begin(const Cell& cell);
  void step(const Cell& cell, std::int64_t step, double seconds_left);
  /// `seconds`: since it began. `complete`: it did all its steps, so that the forecast can be judged by it.
  void end(const Cell& cell, double seconds, bool complete);
  /// It is not run here.
  void leave(const Cell& cell);

  /// Nothing where a cell that waits has no forecast, or before one has finished where forecasts are nominal.
  [[nodiscard]] std::optional<double> seconds_left() const;

 private:
  struct AtWork {
    std::optional<double> left;
    std::int64_t first = 0;  // the first step that was heard of
  };
  [[nodiscard]] double scale() const { return forecast_ > 0 ? took_ / forecast_ : 1; }

  std::map<std::string, double> waiting_, begun_;  // seconds by id
  std::map<std::string, AtWork> at_work_;
  double waiting_seconds_ = 0;
  double forecast_ = 0, took_ = 0;  // of cells that ran whole
  std::size_t jobs_ = 1;
  bool known_ = false, nominal_ = false;
};

}  // namespace isorbit::experiments
