// Schedules at the steps where their formulas say most.
#include <gtest/gtest.h>

#include <cmath>

#include "experiments/method.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// Checked as a document's number would be, so that defaults are filled in.
Json resolved(const Json& value) {
  core::Problems problems;
  Json out = core::resolve(value, scheduled_number(), {}, problems);
  problems.throw_if_any();
  return out;
}

double at(const Json& value, std::int64_t step, std::int64_t steps = 100) {
  return number_at(resolved(value), step, steps);
}

TEST(Schedules, APlainNumberIsTheSameAtEveryStep) {
  EXPECT_EQ(at(0.25, 0), 0.25);
  EXPECT_EQ(at(3, 99), 3.0);
  EXPECT_EQ(at({{"schedule", "constant"}, {"value", 0.5}}, 7), 0.5);
}

TEST(Schedules, WarmUpsRiseFromAFirstFractionToThePeak) {
  for (const char* word : {"linear", "cosine", "wsd"}) {
    const Json value = {{"schedule", word}, {"peak", 2.0}, {"warmup", 10}};
    EXPECT_DOUBLE_EQ(at(value, 0), 0.2) << word;
    EXPECT_DOUBLE_EQ(at(value, 4), 1.0) << word;
    EXPECT_DOUBLE_EQ(at(value, 9), 2.0) << word;
    EXPECT_LE(at(value, 11), 2.0) << word;
  }
}

TEST(Schedules, TheLastUpdateHasTheFloorTimesThePeak) {
  for (const char* word : {"linear", "cosine", "wsd"}) {
    for (const int warmup : {0, 10}) {
      const Json value = {{"schedule", word}, {"peak", 2.0}, {"warmup", warmup}, {"floor", 0.25}};
      EXPECT_NEAR(at(value, 99), 0.5, 1e-12) << word;
      EXPECT_GT(at(value, 98), 0.5) << word;
    }
  }
}

TEST(Schedules, CosineAndLinearAreHalfWayDownHalfWayThrough) {
  const Json linear = {{"schedule", "linear"}, {"peak", 2.0}, {"warmup", 20}};
  EXPECT_NEAR(at(linear, 60, 101), 1.0, 1e-12);
  EXPECT_NEAR(at(linear, 40, 101), 1.5, 1e-12);
  const Json cosine = {{"schedule", "cosine"}, {"peak", 2.0}, {"warmup", 20}, {"floor", 0.0}};
  EXPECT_NEAR(at(cosine, 60, 101), 1.0, 1e-12);
  EXPECT_NEAR(at(cosine, 40, 101), 1.0 + std::sqrt(0.5), 1e-12);
  EXPECT_DOUBLE_EQ(at(cosine, 20, 101), 2.0);
}

TEST(Schedules, WsdStaysAtThePeakUntilItsDecay) {
  const Json value = {{"schedule", "wsd"}, {"peak", 1.0}, {"warmup", 10}, {"decay", 0.2}};
  EXPECT_DOUBLE_EQ(at(value, 10), 1.0);
  EXPECT_DOUBLE_EQ(at(value, 79), 1.0);
  EXPECT_DOUBLE_EQ(at(value, 80), 0.95);
  EXPECT_DOUBLE_EQ(at(value, 89), 0.5);
  EXPECT_DOUBLE_EQ(at(value, 99), 0.0);
}

TEST(Schedules, EveryWordStaysWithinItsPeakInRunsOfAnyLength) {
  for (const Schedule& word : schedules::registered()) {
    for (const int steps : {1, 2, 5, 100}) {
      for (const int warmup : {0, 1, 5, 1000}) {
        for (int step = 0; step < steps; ++step) {
          Json value = {{"schedule", word.name}};
          for (const core::Field& field : word.fields) {
            if (field.name == "peak" || field.name == "value") value[field.name] = 3.0;
            if (field.name == "warmup") value[field.name] = warmup;
          }
          const double number = at(value, step, steps);
          EXPECT_TRUE(number >= 0 && number <= 3.0) << value << " at " << step << " of " << steps;
        }
      }
    }
  }
}

TEST(Schedules, AnUnknownWordIsReportedWithTheNearestOne) {
  try {
    resolved({{"schedule", "cosin"}, {"peak", 1.0}});
    FAIL() << "accepted";
  } catch (const core::DocumentError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"cosine\""), std::string::npos) << error.what();
  }
  EXPECT_THROW(resolved(-1.0), core::DocumentError);
  EXPECT_THROW(resolved({{"schedule", "cosine"}}), core::DocumentError);
}

}  // namespace
}  // namespace isorbit::experiments
