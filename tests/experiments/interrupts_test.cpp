// Signals: the first saves the state, the second stops, the third kills; and the program does as much.
#include "experiments/program/interrupts.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/experiments/child_program.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(120)); }

TEST(Interrupts, CountsEverySignalThatAsksForAStop) {
  for (const int signal : {SIGINT, SIGHUP}) ::signal(signal, SIG_DFL);  // background shells ignore them
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
    const Interrupts interrupts;
    EXPECT_EQ(interrupts.count(), 0);
    ::raise(signal);
    EXPECT_EQ(interrupts.count(), 1) << signal;
    pause();
    ::raise(SIGTERM);
    EXPECT_EQ(interrupts.count(), 2) << signal;
  }
}

TEST(Interrupts, TakesAnEchoForTheSignalItFollows) {
  const Interrupts interrupts;
  for (const int signal : {SIGTERM, SIGTERM, SIGINT}) ::raise(signal);
  EXPECT_EQ(interrupts.count(), 1);
}

TEST(Interrupts, ALostTerminalIsNeverASecondStop) {
  const Interrupts interrupts;
  ::raise(SIGHUP);
  pause();
  ::raise(SIGHUP);
  EXPECT_EQ(interrupts.count(), 1);
}

TEST(Interrupts, LeaveWhatWasIgnoredIgnoredAndPutBackWhatWasThere) {
  struct sigaction ignore = {}, before = {}, after = {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGHUP, &ignore, &before);
  {
    const Interrupts interrupts;
    ::raise(SIGHUP);
    EXPECT_EQ(interrupts.count(), 0);
  }
  ::sigaction(SIGHUP, &before, &after);
  EXPECT_EQ(after.sa_handler, SIG_IGN);
  ::sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(after.sa_handler, SIG_DFL);
}

TEST(Interrupts, AReaderThatIsGoneIsAnErrorOfTheWrite) {
  const Interrupts interrupts;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

TEST(InterruptsDeathTest, AThirdSignalKills) {
  EXPECT_EXIT(
      {
        const Interrupts interrupts;
        for (int i = 0; i < 3; ++i, pause()) ::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(InterruptedProgram, SavesItsStateOnEverySignalAndGoesOnToTheSameBits) {
  const SmallSweep small;
  const std::string cell = " training.steps=800 --only arm=poet,seed=0 -o ";
  ASSERT_EQ(run_program(small.path(), "run sweep.json -q" + cell + "whole").code, 0);
  int stops = 0;
  for (const int signal : {SIGHUP, SIGUSR1, SIGTERM, SIGINT}) {
    ChildProgram child(small.path(),
                       {"run", "sweep.json", "training.steps=800", "--only", "arm=poet,seed=0", "-o", "out"});
    if (!child.wait_for_rows(small.path() / "out", stops + 1)) break;
    child.send(signal);
    pause();
    if (signal == SIGINT) child.send(SIGTERM);  // now, without saving
    const int code = child.wait();
    if (code == 0) break;  // it was faster
    EXPECT_EQ(code, 75) << signal;
    ++stops;
  }
  EXPECT_GE(stops, 2) << "the cells were too short";
  const Ran last = run_program(small.path(), "run sweep.json -q" + cell + "out");
  EXPECT_EQ(last.code, 0) << last.err;
  const auto losses = [&](const std::string& folder) {
    std::string rows;
    std::istringstream in(run_program(small.path(), "export " + folder).out);
    for (std::string line; std::getline(in, line);)
      if (!holds(line, ",train,,,,,seconds,") && !holds(line, ",segment,")) rows += line + "\n";
    return rows;
  };
  EXPECT_GT(losses("whole").size(), 800U);
  EXPECT_TRUE(losses("whole") == losses("out"));
}

TEST(TimeLimit, StopsTheProgramInTimeWithItsStateSaved) {
  const SmallSweep small;
  const auto start = std::chrono::steady_clock::now();
  const Ran ran =
      run_program(small.path(), "run sweep.json training.steps=1000000 --only seed=0 -o out --time-limit 3s");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4)) << "with the start of a shell";
  EXPECT_EQ(ran.code, 75) << ran.err;
  EXPECT_HOLDS(ran.err, "the same command goes on from here");
  EXPECT_HOLDS(run_program(small.path(), "status out --only arm=adamw,seed=0").out, "stopped");
}

}  // namespace
}  // namespace isorbit::experiments
