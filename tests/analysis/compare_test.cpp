#include "analysis/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/document/json.hpp"

namespace isorbit::analysis {
namespace {

using Changed = std::vector<std::pair<std::string, std::string>>;

core::RunRecord record_of(double loss) {
  core::RunRecord record;
  record.series.push_back({"valid",
                           {{"step", std::vector<std::int64_t>{0, 100}, "", ""},
                            {"loss", std::vector<double>{5.5, loss}, "nats", ""}}});
  return record;
}

LabelledRun run(const std::string& arm, std::int64_t seed, double loss, Changed changed = {}) {
  return {{arm + std::to_string(seed), arm, std::move(changed), seed, 2.9},
          [loss] { return record_of(loss); }};
}

LabelledRun missing(const std::string& arm, std::int64_t seed) {
  return {{"0123456789", arm, {}, seed, {}}, {}};
}

CompareOptions options() { return {"valid/loss", true, "adamw"}; }

TEST(Compare, TakesTheLastValueOfTheMetricOfEverySeed) {
  const CompareTable table = compare(std::vector{run("adamw", 1, 2.0), run("adamw", 0, 3.0)}, options());
  ASSERT_EQ(table.seeds, (std::vector<std::int64_t>{0, 1}));
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].values[0], 3.0);
  EXPECT_EQ(table.rows[0].values[1], 2.0);
  EXPECT_DOUBLE_EQ(table.rows[0].summary.mean, 2.5);
  EXPECT_NEAR(table.rows[0].summary.standard_deviation, std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(table.rows[0].perplexity, std::exp(2.5), 1e-12);
}

TEST(Compare, PairsDifferencesBySeed) {
  // The seeds differ by far more than the arms do; only pairing sees the arms.
  const CompareTable table = compare(
      std::vector{run("adamw", 0, 2.0), run("adamw", 1, 3.0), run("poet", 0, 1.9), run("poet", 1, 2.88)},
      options());
  const CompareRow& poet = table.rows[1];
  ASSERT_TRUE(poet.difference.has_value());
  EXPECT_EQ(poet.difference->n, 2U);
  EXPECT_NEAR(poet.difference->difference, -0.11, 1e-12);
  EXPECT_NEAR(poet.difference_deviation, 0.02 / std::sqrt(2.0), 1e-12);
  // t = -0.11 / (0.0141421 / sqrt 2) = -11; with one degree of freedom p = 2/pi * atan(1/11).
  EXPECT_NEAR(poet.difference->p_value, 2 / M_PI * std::atan(1.0 / 11), 1e-9);
}

TEST(Compare, SaysThatAModelIsAnotherInPlaceOfADifference) {
  std::vector<LabelledRun> runs = {run("adamw", 0, 2.0), run("wisca", 0, 1.9)};
  runs[1].label.model = "gpt2";
  const CompareTable table = compare(runs, options());
  EXPECT_FALSE(table.rows[1].difference.has_value());
  EXPECT_NE(compare_text(table).find("another model"), std::string::npos);
  EXPECT_NE(compare_json(table).find("\"other_model\":true"), std::string::npos);
}

TEST(Compare, HasNoPValueForOneSeed) {
  const CompareTable table = compare(std::vector{run("adamw", 0, 2.0), run("poet", 0, 1.9)}, options());
  EXPECT_TRUE(std::isnan(table.rows[1].difference->p_value));
  const std::string text = compare_text(table);
  const std::string line = text.substr(text.find("\npoet") + 1);
  EXPECT_NE(line.find("-0.1000   -  -      1"), std::string::npos) << text;
}

TEST(Compare, LeavesSeedsThatOnlyOneSideHasOutOfThePairs) {
  const CompareTable table = compare(
      std::vector{run("adamw", 0, 2.0), missing("adamw", 1), run("poet", 0, 1.9), run("poet", 1, 9.0)},
      options());
  EXPECT_EQ(table.rows[1].difference->n, 1U);
  EXPECT_NEAR(table.rows[1].difference->difference, -0.1, 1e-12);
}

TEST(Compare, NamesEveryMissingRun) {
  LabelledRun damaged{{"feed", "poet", {}, 1, {}},
                      []() -> core::RunRecord { throw std::runtime_error("damaged"); }};
  const CompareTable table =
      compare(std::vector{run("adamw", 0, 2.0), missing("poet", 0), damaged}, options());
  ASSERT_EQ(table.missing.size(), 2U);
  const std::string text = compare_text(table);
  EXPECT_NE(text.find("missing poet seed 0 (01234567): not complete"), std::string::npos) << text;
  EXPECT_NE(text.find("missing poet seed 1 (feed): damaged"), std::string::npos) << text;
  EXPECT_NE(compare_json(table).find("\"missing\":\"damaged\""), std::string::npos);
}

TEST(Compare, ComparesWithTheBestSettingOfATunedBaseline) {
  const CompareTable table =
      compare(std::vector{run("adamw", 0, 2.5, {{"method.learning_rate", "0.001"}}),
                          run("adamw", 0, 2.0, {{"method.learning_rate", "0.003"}}), run("poet", 0, 1.9)},
              options());
  EXPECT_FALSE(table.rows[0].is_reference);
  EXPECT_TRUE(table.rows[1].is_reference);
  EXPECT_NEAR(table.rows[0].difference->difference, 0.5, 1e-12);
  EXPECT_NEAR(table.rows[2].difference->difference, -0.1, 1e-12);
}

TEST(Compare, ComparesOnlyWithTheSameModelAndTraining) {
  const CompareTable table = compare(std::vector{run("adamw", 0, 2.0, {{"model.width", "64"}}),
                                                 run("adamw", 0, 1.0, {{"model.width", "128"}}),
                                                 run("poet", 0, 1.9, {{"model.width", "64"}}),
                                                 run("poet", 0, 1.2, {{"model.width", "256"}})},
                                     options());
  EXPECT_NEAR(table.rows[2].difference->difference, -0.1, 1e-12);
  EXPECT_FALSE(table.rows[3].difference.has_value());
}

TEST(Compare, KeepsADivergedRunAsNaN) {
  const CompareTable table = compare(std::vector{run("adamw", 0, 2.0), run("poet", 0, NAN)}, options());
  EXPECT_TRUE(table.missing.empty());
  EXPECT_NE(compare_text(table).find("nan"), std::string::npos);
}

TEST(Compare, PrintsTheUnigramEntropyOnce) {
  const std::string text =
      compare_text(compare(std::vector{run("adamw", 0, 2.0), run("poet", 0, 1.9)}, options()));
  EXPECT_NE(text.find("unigram entropy 2.9000 nats"), std::string::npos) << text;
  EXPECT_EQ(text.find("unigram entropy"), text.rfind("unigram entropy"));
}

TEST(Compare, WritesAnObjectALine) {
  const std::string text =
      compare_json(compare(std::vector{run("adamw", 0, 2.0), run("poet", 0, 1.9)}, options()));
  std::size_t start = 0, lines = 0;
  while (start < text.size()) {
    const std::size_t end = text.find('\n', start);
    const core::Json line = core::Json::parse(text.substr(start, end - start));
    EXPECT_TRUE(line.contains("mean"));
    start = end + 1;
    ++lines;
  }
  EXPECT_EQ(lines, 2U);
}

}  // namespace
}  // namespace isorbit::analysis
