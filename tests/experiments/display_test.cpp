#include "experiments/program/display.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

Cell cell_of(const std::string& arm) {
  Cell cell;
  cell.arm = arm;
  cell.id = "0123456789abcdef" + arm;
  return cell;
}

/// At its last step, which is always drawn.
Progress last_of(std::int64_t steps) { return {steps, steps, 2.5, NAN, 1000, 0}; }

/// What a display wrote since the last question.
struct Screen {
  std::ostringstream text;
  std::string fresh() {
    std::string out = text.str();
    text.str("");
    return out;
  }
};

TEST(Display, RewritesALineForEachCellAtWork) {
  Screen screen;
  Display display(screen.text, Display::Style::live, false);
  const Cell first = cell_of("adamw"), second = cell_of("poet");
  display.begin(first, 1, 3);
  display.begin(second, 2, 3);
  display.step(first, last_of(10));
  EXPECT_EQ(screen.fresh().find('\n'), std::string::npos) << "only one of them has something to say";
  display.step(second, last_of(20));
  const std::string both = screen.fresh();
  EXPECT_HOLDS(both, "[1/3] adamw seed 0 [");
  EXPECT_HOLDS(both, "\n[2/3] poet seed 0 [");
  display.step(first, last_of(10));
  EXPECT_EQ(screen.fresh().rfind("\r\033[A\033[J", 0), 0U) << "both lines are cleared first";
  display.end(first, {Outcome::complete, "", 2.25, 10});
  EXPECT_HOLDS(screen.fresh(), "\033[J[1/3] adamw seed 0 done valid 2.2500");
  display.step(second, last_of(20));
  EXPECT_EQ(screen.fresh().find("adamw"), std::string::npos) << "a cell that ended is drawn no more";
}

TEST(Display, WritesWholeLinesWhereThereIsNoTerminal) {
  Screen screen;
  Display display(screen.text, Display::Style::lines, false);
  const Cell first = cell_of("adamw"), second = cell_of("poet");
  display.begin(first, 1, 2);
  display.begin(second, 2, 2);
  display.end(second, {Outcome::failed, "the disk is full", 0, 0});
  display.end(first, {Outcome::stopped, "", 0, 7});
  EXPECT_EQ(
      screen.fresh(),
      "[1/2] adamw seed 0 01234567\n[2/2] poet seed 0 01234567\n"
      "[2/2] poet seed 0 failed: the disk is full\n[1/2] adamw seed 0 stopped at step 7, state saved\n");
}

}  // namespace
}  // namespace isorbit::experiments
