#include "experiments/program/duration.hpp"

#include <gtest/gtest.h>

namespace isorbit::experiments {
namespace {

TEST(Duration, ReadsWhatPeopleAndSlurmWrite) {
  const std::pair<const char*, double> right[] = {{"90", 90},
                                                  {"0.5", 0.5},
                                                  {"90s", 90},
                                                  {"30m", 1800},
                                                  {"1.5h", 5400},
                                                  {"2d", 172800},
                                                  {"1h30m", 5400},
                                                  {"1d2h3m4s", 93784},
                                                  {"30:00", 1800},
                                                  {"1:30:00", 5400},
                                                  {"1-12", 129600},
                                                  {"1-12:30", 131400},
                                                  {"1-12:30:15", 131415},
                                                  {"100:00:00", 360000}};
  for (const auto& [text, seconds] : right) EXPECT_EQ(seconds_from(text), seconds) << text;
}

TEST(Duration, RefusesWhatItCannotMean) {
  for (const char* text :
       {"",        "0",  "-5",    "m",   "5x",  "30m1h", "1h1h", "1:",     ":30",  "1:99",
        "1:2:3:4", "1-", "1-2-3", "1 h", "1e3", "nan",   "inf",  "1.5:00", "0:00", "9999999999999999",
        "1h:30"})
    EXPECT_EQ(seconds_from(text), std::nullopt) << text;
}

}  // namespace
}  // namespace isorbit::experiments
