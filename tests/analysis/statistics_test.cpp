#include "analysis/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace isorbit::analysis {
namespace {

using Values = std::vector<double>;

TEST(Statistics, SummaryHasSampleDeviationAndExtremes) {
  const Values values = {2, 4, 4, 4, 5, 5, 7, 9};
  const Summary s = summarize(values);
  EXPECT_EQ(s.n, 8u);
  EXPECT_EQ(s.mean, 5);
  EXPECT_NEAR(s.standard_deviation, std::sqrt(32.0 / 7), 1e-15);
  EXPECT_EQ(s.min, 2);
  EXPECT_EQ(s.max, 9);
}

TEST(Statistics, WhatIsNotDefinedIsNaN) {
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(standard_deviation(Values{1})));
  EXPECT_TRUE(std::isnan(summarize({}).min));
  EXPECT_TRUE(std::isnan(summarize(Values{1, NAN}).max));
  EXPECT_EQ(summarize(Values{3}).mean, 3);
  const Comparison one = paired_t_test(Values{1}, Values{2});
  EXPECT_EQ(one.difference, -1);
  EXPECT_TRUE(std::isnan(one.p_value));
  EXPECT_TRUE(std::isnan(welch_t_test(Values{1}, Values{2, 3}).p_value));
  EXPECT_TRUE(std::isnan(paired_t_test(Values{1, NAN}, Values{2, 3}).p_value));
  EXPECT_THROW((void)paired_t_test(Values{1, 2}, Values{1}), std::invalid_argument);
}

// Critical values of printed t tables: two-sided 0.05 and 0.01.
TEST(Student, TailsAgreeWithPrintedTables) {
  EXPECT_NEAR(student_two_sided(12.7062, 1), 0.05, 1e-6);
  EXPECT_NEAR(student_two_sided(-4.30265, 2), 0.05, 1e-6);
  EXPECT_NEAR(student_two_sided(2.22814, 10), 0.05, 1e-6);
  EXPECT_NEAR(student_two_sided(2.74999, 30), 0.01, 1e-6);
  EXPECT_EQ(student_two_sided(0, 5), 1);
  EXPECT_NEAR(student_two_sided(1, 1), 0.5, 1e-15);  // Cauchy
  EXPECT_EQ(student_two_sided(INFINITY, 3), 0);
}

// Student's own sleep data (1908), drug 1 against drug 2: t = -4.0621, df = 9, p = 0.002833.
TEST(Student, PairedTestOfTheSleepDataIsAsPublished) {
  const Values one = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const Values two = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const Comparison paired = paired_t_test(one, two);
  EXPECT_EQ(paired.n, 10u);
  EXPECT_NEAR(paired.difference, -1.58, 1e-12);
  EXPECT_NEAR(paired.t, -4.0621, 5e-5);
  EXPECT_EQ(paired.degrees_of_freedom, 9);
  EXPECT_NEAR(paired.p_value, 0.002833, 5e-7);
  EXPECT_NEAR(paired.low, -2.4598858, 1e-6);
  EXPECT_NEAR(paired.high, -0.7001142, 1e-6);
  const Comparison welch = welch_t_test(one, two);
  EXPECT_NEAR(welch.t, -1.8608, 5e-5);
  EXPECT_NEAR(welch.degrees_of_freedom, 17.776, 5e-4);
  EXPECT_NEAR(welch.p_value, 0.07939, 5e-6);
}

TEST(Student, NoSpreadAtAllIsDecidedByTheDifference) {
  EXPECT_EQ(paired_t_test(Values{1, 2}, Values{1, 2}).p_value, 1);
  EXPECT_EQ(paired_t_test(Values{2, 3}, Values{1, 2}).p_value, 0);
  EXPECT_EQ(welch_t_test(Values{2, 2}, Values{2, 2}).p_value, 1);
}

TEST(Holm, AdjustsStepDownAndNeverDecreases) {
  const auto adjusted = holm_adjusted(Values{0.01, 0.04, 0.03, 0.005});
  const Values expected = {0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
  EXPECT_EQ(holm_adjusted(Values{0.9, 0.8})[0], 1);
  const auto with_gap = holm_adjusted(Values{0.01, NAN, 0.02});
  EXPECT_NEAR(with_gap[0], 0.02, 1e-15);
  EXPECT_TRUE(std::isnan(with_gap[1]));
}

}  // namespace
}  // namespace isorbit::analysis
