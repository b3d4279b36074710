// Progress of a sweep on stderr: one rewritten line on a terminal, plain lines elsewhere.
#pragma once
#include <chrono>
#include <iosfwd>
#include <string>

#include "experiments/sweep/runner.hpp"

namespace isorbit::experiments {

class Display : public RunObserver {
 public:
  enum class Style { quiet, lines, live };
  Display(std::ostream& err, Style style, bool color) : err_(err), style_(style), color_(color) {}

  void begin(const Cell& cell, std::size_t index, std::size_t count) override;
  void step(const Cell& cell, const Progress& progress) override;
  void end(const Cell& cell, const CellResult& result) override;
  void note(const Cell& cell, const std::string& text) override;
  void busy(const Cell& cell) override;

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::string heading(const Cell& cell) const;
  void draw(const Cell& cell, const Progress& progress);
  void print(const Cell& cell, const Progress& progress);
  void clear();
  [[nodiscard]] std::string colored(const std::string& text, const char* code) const;

  std::ostream& err_;
  Style style_;
  bool color_;
  std::size_t index_ = 0, count_ = 0;
  Clock::time_point drawn_ = {}, begun_ = {};
  double last_valid_ = 0;
  bool on_line_ = false;
};

/// Whether colors may be used: a terminal, and neither NO_COLOR nor --no-color.
[[nodiscard]] bool wants_color(bool terminal, bool no_color);

}  // namespace isorbit::experiments
