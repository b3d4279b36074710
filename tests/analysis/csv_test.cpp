#include "analysis/csv.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace isorbit::analysis {
namespace {

TEST(Csv, QuotesWhatWouldEndACell) {
  EXPECT_EQ(csv_cell("plain"), "plain");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"no\""), "\"say \"\"no\"\"\"");
  EXPECT_EQ(csv_cell("two\nlines"), "\"two\nlines\"");
}

TEST(Csv, LeavesASpreadsheetNothingToRun) {
  for (const char* text : {"=1+1", "+cmd|x", "-a", "@SUM(A1)", "\t=1"}) {
    EXPECT_EQ(csv_cell(text), text);
    EXPECT_EQ(csv_cell(text, true), std::string("'") + text);
  }
  EXPECT_EQ(csv_cell("=HYPERLINK(\"a\",\"b\")", true), "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
  for (const char* number : {"-0.5", "+3", "-1e-3", "-inf", "plain", ""})
    EXPECT_EQ(csv_cell(number, true), number) << "numbers stay numbers";
}

TEST(Csv, WritesFloatsThatReadBackEqual) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, -2.5e17, 5e-324, 123456789.125})
    EXPECT_EQ(std::strtod(shortest(value).c_str(), nullptr), value);
  for (const float value : {0.1F, 1.0F / 3, 1e-38F})
    EXPECT_EQ(std::strtof(shortest(value).c_str(), nullptr), value);
  EXPECT_EQ(shortest(0.1F), "0.1");
  EXPECT_EQ(shortest(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(shortest(-std::numeric_limits<double>::infinity()), "-inf");
}

}  // namespace
}  // namespace isorbit::analysis
