#include <gtest/gtest.h>

#include "core/document/spelling.hpp"

namespace isorbit::core {
namespace {

TEST(Spelling, MakesOneNumberOfEveryTextThatIsThatNumber) {
  for (const char* text : {"1e-3", "0.001", "0.002 / 2", " 1e-3 ", "min(1e-3, 1)"})
    EXPECT_EQ(plain_constant(text), Json(0.001)) << text;
  EXPECT_EQ(plain_constant("8 * 4"), Json(32));
  EXPECT_EQ(plain_constant("8 * 4").dump(), "32");
  EXPECT_EQ(plain_constant(64.0).dump(), "64");
}

TEST(Spelling, LeavesAloneWhatNamesAConstantOrIsNoExpression) {
  for (const char* text : {"width / heads", "'relu'", "model", "1 +", "1 / 0", ""})
    EXPECT_EQ(plain_constant(text), Json(text)) << text;
  for (const Json& value : {Json(3), Json(0.5), Json(true), Json(nullptr), Json::array({"1"})})
    EXPECT_EQ(plain_constant(value), value);
}

TEST(Spelling, EvaluatesGivenValuesOverAllConstants) {
  const Constants all(Json{{"rate", "base / 2"}, {"base", 0.002}, {"name", "'x'"}, {"bad", "nothing"}});
  const Json given = {{"rate", "base / 2"}, {"name", "'x'"}, {"bad", "nothing"}};
  EXPECT_EQ(evaluated_values(given, all), (Json{{"rate", 0.001}, {"name", "'x'"}, {"bad", "nothing"}}));
}

}  // namespace
}  // namespace isorbit::core
