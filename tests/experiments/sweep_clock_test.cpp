#include "experiments/program/sweep_clock.hpp"

#include <gtest/gtest.h>

#include "tests/experiments/small_sweep.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

class Clock : public testing::Test {
 protected:
  Clock() : sweep_(small_.read({"seeds=0,1", "arms.adamw.tune.learning_rate=[0.001]"})) {
    forecast_ = Forecast(sweep_.cells, {0, {}});
  }
  double all() const {
    double seconds = 0;
    for (const Cell& cell : sweep_.cells) seconds += forecast_.seconds_of(cell);
    return seconds;
  }
  SmallSweep small_;
  Sweep sweep_;
  Forecast forecast_;
};

TEST_F(Clock, SaysNothingWhereForecastsAreNominalAndNothingHasFinished) {
  SweepClock clock(sweep_.cells, forecast_, 1);
  EXPECT_EQ(clock.seconds_left(), std::nullopt);
  clock.begin(sweep_.cells[0]);
  clock.step(sweep_.cells[0], 1, 5);
  EXPECT_EQ(clock.seconds_left(), std::nullopt);
}

TEST_F(Clock, WhatFinishedCellsTookCorrectsTheRest) {
  SweepClock clock(sweep_.cells, forecast_, 1);
  const Cell& first = sweep_.cells[0];
  clock.begin(first);
  clock.step(first, 1, 5);
  clock.end(first, 7 * forecast_.seconds_of(first), true);
  EXPECT_NEAR(clock.seconds_left().value(), 7 * (all() - forecast_.seconds_of(first)), 1e-9);
  clock.leave(sweep_.cells[1]);
  const double rest = all() - forecast_.seconds_of(first) - forecast_.seconds_of(sweep_.cells[1]);
  EXPECT_NEAR(clock.seconds_left().value(), 7 * rest, 1e-9) << "what another process does is not ours";
}

TEST_F(Clock, SeveralAtOnceShareTheRestButTheLongestIsWaitedFor) {
  SweepClock clock(sweep_.cells, forecast_, 2);
  clock.begin(sweep_.cells[0]);
  clock.step(sweep_.cells[0], 1, 0);
  clock.end(sweep_.cells[0], forecast_.seconds_of(sweep_.cells[0]), true);
  for (std::size_t i = 1; i < sweep_.cells.size(); ++i) clock.begin(sweep_.cells[i]);
  for (std::size_t i = 1; i < sweep_.cells.size(); ++i) clock.step(sweep_.cells[i], 2, i == 1 ? 100 : 1);
  EXPECT_EQ(clock.seconds_left().value(), 100);
}

}  // namespace
}  // namespace isorbit::experiments
