// Progress of a sweep on stderr: on a terminal one rewritten line for each cell at work, elsewhere plain
// lines.
#pragma once
#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "experiments/program/sweep_clock.hpp"
#include "experiments/sweep/runner.hpp"

namespace isorbit::experiments {

class Display : public RunObserver {
 public:
  enum class Style { quiet, lines, live };
  Display(std::ostream& err, Style style, bool color) : err_(err), style_(style), color_(color) {}

  /// What the sweep is expected to take, for the time that is left of it.
  void expect(std::span<const Cell> missing, const Forecast& forecast, std::size_t jobs) {
    clock_ = SweepClock(missing, forecast, jobs);
  }

  void begin(const Cell& cell, std::size_t index, std::size_t count) override;
  void step(const Cell& cell, const Progress& progress) override;
  void end(const Cell& cell, const CellResult& result) override;
  void found(const Cell& cell) override { clock_.leave(cell); }
  void note(const Cell& cell, const std::string& text) override;
  void busy(const Cell& cell, const std::string& who) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct AtWork {
    const Cell* cell = nullptr;
    std::size_t index = 0;
    Clock::time_point begun = {}, printed = {};
    double last_valid = 0;
    std::optional<Progress> progress = {};
  };
  /// Null when the cell never began.
  [[nodiscard]] AtWork* find(const Cell& cell);
  [[nodiscard]] std::string heading(const Cell& cell);
  /// "about 2 min 10 s left for the sweep"; empty where that is not known.
  [[nodiscard]] std::string time_left() const;
  void draw();
  void print(const Cell& cell, const Progress& progress);
  void clear();
  [[nodiscard]] std::string colored(const std::string& text, const char* code) const;

  std::ostream& err_;
  Style style_;
  bool color_;
  std::size_t count_ = 0;
  SweepClock clock_;
  std::vector<AtWork> at_work_;  // in the order they began
  Clock::time_point drawn_ = {};
  std::size_t lines_ = 0;  // drawn, and to be cleared
};

/// Whether colors may be used: a terminal, and neither NO_COLOR nor --no-color.
[[nodiscard]] bool wants_color(bool terminal, bool no_color);

}  // namespace isorbit::experiments
