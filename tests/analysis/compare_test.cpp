#include "analysis/compare.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <system_error>

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

/// A run that is not done; what its journal has is no value.
LabelledRun missing(const std::string& arm, std::int64_t seed, RunState state = {"planned", "missing", ""}) {
  LabelledRun out{{"0123456789", arm, {}, seed, {}}, [] { return record_of(0.5); }};
  out.label.state = std::move(state);
  return out;
}

/// Seeds 0, 1, ... of an arm around a loss, each with a little of its own.
std::vector<LabelledRun> seeds(const std::string& arm, double loss, std::int64_t count,
                               const Changed& changed = {}) {
  std::vector<LabelledRun> out;
  for (std::int64_t seed = 0; seed < count; ++seed)
    out.push_back(run(arm, seed,
                      loss + 0.1 * static_cast<double>(seed) +
                          1e-3 * std::sin(static_cast<double>(arm.size() + 7 * seed) + loss),
                      changed));
  return out;
}

std::vector<LabelledRun> together(const std::vector<std::vector<LabelledRun>>& parts) {
  std::vector<LabelledRun> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::vector<core::Json> objects(const std::string& text) {
  std::vector<core::Json> lines;
  for (std::size_t start = 0, end = 0; start < text.size(); start = end + 1) {
    end = text.find('\n', start);
    lines.push_back(core::Json::parse(text.substr(start, end - start)));
  }
  return lines;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

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
  const double noise[] = {1e-3, -2e-3, 0, 2e-3, -1e-3};
  std::vector<LabelledRun> runs;
  for (std::int64_t seed = 0; seed < 5; ++seed) {
    const double loss = 2 + static_cast<double>(seed);
    runs.push_back(run("adamw", seed, loss));
    runs.push_back(run("poet", seed, loss - 0.01 + noise[seed]));
  }
  const CompareTable table = compare(runs, options());
  const CompareRow& poet = table.rows[1];
  ASSERT_TRUE(poet.difference.has_value());
  EXPECT_EQ(poet.difference->n, 5U);
  EXPECT_NEAR(poet.difference->difference, -0.01, 1e-12);
  EXPECT_NEAR(poet.difference_deviation, std::sqrt(2.5e-6), 1e-9);
  // t = -0.01 / (sqrt(2.5e-6) / sqrt 5) = -sqrt 200; the survival function of t with 4 degrees of freedom.
  const double t2 = 200, x = std::sqrt(t2 / (t2 + 4));
  EXPECT_NEAR(poet.difference->p_value, 1 - x * (1 + 2 / (t2 + 4)), 1e-9);
  EXPECT_TRUE(says(compare_text(table), ", p of the two-sided paired t test\n"));
}

TEST(Compare, GivesNoPBelowFivePairsAndSaysSo) {
  for (std::int64_t count = 1; count <= 5; ++count) {
    const CompareTable table =
        compare(together({seeds("adamw", 2.0, count), seeds("poet", 1.9, count)}), options());
    const Comparison& difference = *table.rows[1].difference;
    EXPECT_EQ(std::isnan(difference.p_value), count < 5) << count;
    EXPECT_EQ(std::isnan(difference.low), count < 5) << "an interval is a p value in other words";
    const std::string text = compare_text(table);
    EXPECT_EQ(says(text, "no p: it is given from 5 pairs of seeds on"), count < 5) << text;
    EXPECT_EQ(says(text, "  p  "), count >= 5) << text;
    EXPECT_EQ(says(text, "t test"), count >= 5) << text;
    EXPECT_EQ(objects(compare_json(table))[1].at("p_value").is_null(), count < 5);
  }
}

TEST(Compare, AdjustsThePValuesOfATableByHolm) {
  const CompareTable table = compare(
      together({seeds("adamw", 2.0, 5), seeds("poet", 1.999, 5), seeds("wisca", 1.9985, 5)}), options());
  const double p = table.rows[1].difference->p_value, q = table.rows[2].difference->p_value;
  EXPECT_EQ(table.tests, 2U);
  EXPECT_DOUBLE_EQ(std::min(table.rows[1].p_adjusted, table.rows[2].p_adjusted), 2 * std::min(p, q));
  EXPECT_TRUE(says(compare_text(table), "adjusted by Holm for the 2 tests of this table"));
  const core::Json line = objects(compare_json(table))[1];
  EXPECT_EQ(line.at("adjustment"), "holm");
  EXPECT_EQ(line.at("tests"), 2);
  EXPECT_GT(line.at("p_adjusted"), 0.0);
}

TEST(Compare, GivesEqualRunsADifferenceOfZeroAndNoP) {
  std::vector<LabelledRun> twin = seeds("adamw", 2.0, 5);
  for (LabelledRun& one : twin) one.label.arm = "again";
  const CompareTable table = compare(together({seeds("adamw", 2.0, 5), twin}), options());
  EXPECT_EQ(table.rows[1].difference->difference, 0);
  EXPECT_TRUE(std::isnan(table.rows[1].difference->p_value));
  EXPECT_EQ(table.tests, 0U);
  EXPECT_TRUE(says(compare_text(table), "+0.0000")) << compare_text(table);
  EXPECT_TRUE(says(compare_text(table), "  same as adamw: same document\n"));
  EXPECT_EQ(objects(compare_json(table))[1].at("same_as"), "same as adamw: same document");
}

TEST(Compare, NotesAnotherModelBesideTheDifference) {
  std::vector<LabelledRun> runs = {run("adamw", 0, 2.0), run("wisca", 0, 1.9)};
  runs[1].label.basis.model = "gpt2";
  const CompareTable table = compare(runs, options());
  EXPECT_NEAR(table.rows[1].difference->difference, -0.1, 1e-12);
  const std::string text = compare_text(table);
  EXPECT_TRUE(says(text, "-0.1000   -      1  another model\n")) << text;
  EXPECT_EQ(objects(compare_json(table))[1].at("notes"), core::Json({"another model"}));
}

TEST(Compare, SubtractsNothingThatWasValidatedOnOtherTargets) {
  const RunBasis own{"m", "austen", "bytes", "data", "targets", 10, 100};
  const auto text_with = [&](const RunBasis& other, const std::string& metric) {
    std::vector<LabelledRun> runs = {run("adamw", 0, 2.0), run("poet", 0, 1.9)};
    runs[0].label.basis = own;
    runs[1].label.basis = other;
    const CompareTable table = compare(runs, {metric, true, "adamw"});
    return table.rows[1].difference ? "difference" : table.rows[1].no_difference;
  };
  RunBasis other = own;
  EXPECT_EQ(text_with(other, "valid/loss"), "difference");
  other = {"m", "kjv", "bytes", "else", "else", 10, 100};
  EXPECT_EQ(text_with(other, "valid/loss"), "other data");
  other = {"m", "austen", "bpe-512", "else", "else", 10, 100};
  EXPECT_EQ(text_with(other, "valid/loss"), "other tokenizer");
  other = {"m", "austen", "bytes", "data", "longer windows", 10, 100};
  EXPECT_EQ(text_with(other, "valid/loss"), "other validation set");
  other = {"m", "part-of-austen", "bytes", "else", "targets", 10, 100};
  EXPECT_EQ(text_with(other, "valid/loss"), "difference") << "the same is held out";
}

TEST(Compare, LeavesAnArmWithMissingSeedsWithoutMeanAndDifference) {
  const std::vector<LabelledRun> runs =
      together({seeds("adamw", 2.0, 5),
                seeds("poet", 1.9, 4),
                {missing("poet", 4, {"failed", "diverged at step 62", "the training loss is not finite"})}});
  CompareTable table = compare(runs, options());
  EXPECT_TRUE(std::isnan(table.rows[1].summary.mean));
  EXPECT_FALSE(table.rows[1].difference.has_value());
  const std::string text = compare_text(table);
  EXPECT_TRUE(says(text, "diverged at step 62  4 of 5 seeds")) << text;
  EXPECT_TRUE(says(text, "--survivors takes those that are left")) << text;
  const core::Json line = objects(compare_json(table))[1];
  EXPECT_EQ(line.at("n"), 4);
  EXPECT_EQ(line.at("cells"), 5);
  EXPECT_TRUE(line.at("mean").is_null());
  EXPECT_EQ(line.at("states")[4], "failed");
  EXPECT_EQ(line.at("instead")[4], "diverged at step 62");
  EXPECT_EQ(line.at("no_difference"), "poet has 4 of 5 seeds");

  CompareOptions asked = options();
  asked.survivors = true;
  table = compare(runs, asked);
  EXPECT_FALSE(std::isnan(table.rows[1].summary.mean));
  EXPECT_EQ(table.rows[1].difference->n, 4U);
  const std::string survivors = compare_text(table);
  EXPECT_TRUE(says(survivors, "4 of 5 seeds")) << survivors;
  EXPECT_TRUE(says(survivors, "4 of 5\n")) << "the pairs are labelled too\n" << survivors;
  EXPECT_TRUE(says(survivors, "those that are left are a selected set")) << survivors;
  EXPECT_EQ(objects(compare_json(table))[1].at("survivors"), true);
}

TEST(Compare, TakesNoDifferenceToABaselineWithMissingSeeds) {
  const CompareTable table = compare(
      std::vector{run("adamw", 0, 2.0), missing("adamw", 1), run("poet", 0, 1.9), run("poet", 1, 9.0)},
      options());
  EXPECT_FALSE(table.rows[1].difference.has_value());
  EXPECT_EQ(table.rows[1].no_difference, "adamw has 1 of 2 seeds");
  EXPECT_FALSE(std::isnan(table.rows[1].summary.mean));
}

TEST(Compare, SaysWhatHappenedToEveryRunWithoutAValue) {
  LabelledRun damaged{{"feed", "poet", {}, 1, {}},
                      []() -> core::RunRecord { throw std::runtime_error("a chunk is damaged"); }};
  LabelledRun unreadable{{"beef", "poet", {}, 2, {}}, []() -> core::RunRecord {
                           throw std::system_error(EIO, std::generic_category(), "run.h5");
                         }};
  const CompareTable table =
      compare(std::vector{run("adamw", 0, 2.0), missing("poet", 0), damaged, unreadable}, options());
  ASSERT_EQ(table.missing.size(), 3U);
  EXPECT_TRUE(table.is_unknown());
  const std::string text = compare_text(table);
  EXPECT_TRUE(says(text, "missing  damaged  cannot tell")) << text;
  EXPECT_TRUE(says(text, "3 of 4 cells have no value: poet 1 cannot tell, 1 damaged, 1 missing")) << text;
  EXPECT_TRUE(says(text, "missing poet seed 1 (feed): damaged: a chunk is damaged")) << text;
  EXPECT_TRUE(says(text, "missing poet seed 2 (beef): cannot tell: run.h5: Input/output error")) << text;
  const std::string each = compare_text(table, true);
  EXPECT_TRUE(says(each, "missing poet seed 0 (01234567): missing\n")) << each;
  EXPECT_FALSE(says(each, "cells have no value")) << each;
  EXPECT_EQ(objects(compare_json(table)).back().at("missing"), "cannot tell");
  EXPECT_FALSE(compare(std::vector{missing("poet", 0), damaged}, options()).is_unknown());
}

TEST(Compare, CountsThousandsOfMissingRunsInOneLine) {
  std::vector<LabelledRun> runs = seeds("adamw", 2.0, 2);
  for (std::int64_t seed = 2; seed < 5000; ++seed) runs.push_back(missing("adamw", seed));
  for (std::int64_t seed = 0; seed < 3; ++seed)
    runs.push_back(missing("poet", seed, {"stopped", "stopped at step " + std::to_string(40 + seed), ""}));
  const CompareTable table = compare(runs, options());
  const std::string text = compare_text(table);
  EXPECT_TRUE(says(text, "5001 of 5003 cells have no value: adamw 4998 missing; poet 3 stopped (--missing"));
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 12);
}

TEST(Compare, SaysWhereTheSweepHasNoCell) {
  const CompareTable table =
      compare(std::vector{run("adamw", 0, 2.0), run("adamw", 1, 2.1), run("poet", 1, 1.9)}, options());
  EXPECT_EQ(table.rows[1].instead[0], "no cell");
  EXPECT_TRUE(table.missing.empty());
  EXPECT_EQ(table.rows[1].difference->n, 1U) << "what was never wanted is not missing";
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

TEST(Compare, SaysInItsHeadingThatTheBaselineWasChosenOnTheSameSeeds) {
  const CompareTable table =
      compare(together({seeds("adamw", 2.5, 2, {{"method.learning_rate", "0.001"}}),
                        seeds("adamw", 2.0, 2, {{"method.learning_rate", "0.003"}}), seeds("poet", 1.9, 2)}),
              options());
  const std::string text = compare_text(table);
  EXPECT_TRUE(says(text, "\nadamw: the best of 2 values of learning_rate, chosen on the same seeds\n\n"))
      << text;
  const core::Json line = objects(compare_json(table))[1];
  EXPECT_EQ(line.at("best_of"), 2);
  EXPECT_EQ(line.at("tuned"), core::Json({"method.learning_rate"}));
  EXPECT_EQ(line.at("chosen_on"), "the same seeds");
  EXPECT_FALSE(says(compare_text(compare(seeds("adamw", 2, 2), options())), "the best of"));
}

TEST(Compare, WritesAnObjectALine) {
  const auto lines =
      objects(compare_json(compare(std::vector{run("adamw", 0, 2.0), run("poet", 0, 1.9)}, options())));
  ASSERT_EQ(lines.size(), 2U);
  for (const core::Json& line : lines)
    for (const char* name :
         {"arm", "changed", "metric", "goal", "baseline", "seeds", "values", "states", "instead", "n",
          "cells", "survivors", "mean", "standard_deviation", "perplexity", "notes"})
      EXPECT_TRUE(line.contains(name)) << name;
}

}  // namespace
}  // namespace isorbit::analysis
